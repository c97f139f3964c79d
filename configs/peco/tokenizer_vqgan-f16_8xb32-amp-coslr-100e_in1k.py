# The perceptual codebook: pixel + perceptual + commitment loss, 100 epochs.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f16.py',
    '../_base_/models/perceptual-loss_mocov3-vit-base.py',
    '../_base_/datasets/in1k_tokenizer.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _base_.tokenizer,
    pixel_loss=dict(type='peco.PixelLoss', norm='L2', weight=1.0),
    perceptual_loss=_base_.perceptual_loss,
    commitment_weight=0.25)

# Optimizer, rate and batch size are not known from the paper: ours.
optim_wrapper = dict(
    type='peco.AmpOptimWrapper',
    dtype='bfloat16',
    optimizer=dict(type='AdamW', lr=2e-4, betas=(0.9, 0.99), weight_decay=1e-4, fused=True),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(bias_decay_mult=0., norm_decay_mult=0.))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, end=1, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=5e-3,
        by_epoch=True,
        begin=1,
        end=100,
        convert_to_iter_based=True),
]

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=5)
val_cfg = dict()
test_cfg = dict()
custom_hooks = [dict(type='peco.CodebookHook'), dict(type='peco.PictureHook', interval=5)]
auto_scale_lr = dict(enable=True, base_batch_size=256)
