# The full-size tokenizer for 32 steps on 1,000 ImageNet images: does it train, how fast, in how
# much memory. The perceptual network has random weights here: right for timing, for nothing else.
_base_ = '../peco/tokenizer_vqgan-f16_8xb32-amp-coslr-100e_in1k.py'

perceptual_network = None
made_by = dict(_delete_=True)
model = dict(
    # Codes have 20 steps to follow the encoder, not 100 epochs.
    quantizer=dict(init='data', decay=0.5, restart_interval=4),
    perceptual_loss=dict(
        # Unlike in the recipe: so it was measured.
        normalize_channels=False,
        network=dict(
            _delete_=True,
            type='peco.BackboneFeatures',
            backbone=dict(
                type='MoCoV3ViT',
                arch='base',
                img_size=224,
                patch_size=16,
                out_type='featmap',
                out_indices=(2, 5, 8, 11)),
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            allow_random=True)))

train_dataloader = dict(
    batch_size=4, num_workers=1, dataset=dict(data_root='data/imagenet_samples'))
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = None
test_evaluator = None
test_cfg = None
param_scheduler = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=5)]
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=32)
auto_scale_lr = dict(enable=False)
default_hooks = dict(
    logger=dict(interval=1), checkpoint=dict(by_epoch=False, interval=32, save_optimizer=False))
log_processor = dict(by_epoch=False, window_size=1)
custom_hooks = [dict(type='peco.CodebookHook')]
