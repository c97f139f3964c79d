# The perceptual codebook: tokens of 8x8 px out of 1024 codes.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f8-small.py',
    '../_base_/models/perceptual-loss_simclr-small.py',
    '../_base_/datasets/nuclei_tokenizer.py',
    '../_base_/default_runtime.py',
]

perceptual_network = 'work_dirs/nuclei/perceptual_network.pth'
made_by = dict(
    _delete_=True,
    **{
        perceptual_network:
        'python tools/run_pipeline.py configs/nuclei/pipeline.py --until perceptual-network'
    })

_perceptual_loss = dict(_base_.perceptual_loss)
_perceptual_loss['network'] = dict(_perceptual_loss['network'], checkpoint=perceptual_network)
model = dict(
    _base_.tokenizer,
    pixel_loss=dict(type='peco.PixelLoss', norm='L2', weight=1.0),
    perceptual_loss=_perceptual_loss,
    commitment_weight=0.25)

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(bias_decay_mult=0., norm_decay_mult=0.))
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-2,
        by_epoch=True,
        begin=0,
        end=1,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=1,
        end=15,
        convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=15, val_interval=5)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=10))
custom_hooks = [dict(type='peco.CodebookHook'), dict(type='peco.PictureHook', interval=5)]
