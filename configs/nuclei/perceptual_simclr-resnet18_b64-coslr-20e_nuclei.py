# The perceptual network f: SimCLR on regions of the training images, without labels.
_base_ = [
    '../_base_/models/perceptual_simclr-resnet18-small.py',
    '../_base_/datasets/nuclei_ssl.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(stem_channels=16, base_channels=16, zero_init_residual=False),
    neck=dict(in_channels=128))
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=6e-3, weight_decay=1e-4),
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
        eta_min=0.,
        by_epoch=True,
        begin=1,
        end=20,
        convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20)
default_hooks = dict(logger=dict(interval=10))
