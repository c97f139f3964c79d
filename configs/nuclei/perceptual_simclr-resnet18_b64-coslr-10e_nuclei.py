# The perceptual network f: SimCLR on regions of the training images, without labels.
_base_ = [
    '../_base_/models/perceptual_simclr-resnet18-small.py',
    '../_base_/datasets/nuclei_ssl.py',
    '../_base_/schedules/perceptual_adamw_coslr-8e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(stem_channels=16, base_channels=16, zero_init_residual=False),
    neck=dict(in_channels=128))
optim_wrapper = dict(optimizer=dict(lr=6e-3))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=10)]
train_cfg = dict(max_epochs=10)
default_hooks = dict(logger=dict(interval=10))
