_base_ = '../cifar10/perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py'

# Half the width, and views that differ in colour and not in what is written: any hue, often
# gray, never mirrored.
model = dict(
    backbone=dict(stem_channels=16, base_channels=16, zero_init_residual=False),
    neck=dict(in_channels=128))
optim_wrapper = dict(optimizer=dict(lr=6e-3))

_crop, _, _jitter, _gray = _base_.view_pipeline
view_pipeline = [
    dict(_crop, crop_ratio_range=(0.5, 1.0)),
    dict(_jitter, transforms=[dict(_jitter.transforms[0], hue=0.5)], prob=1.0),
    dict(_gray, prob=0.5),
]
_load, _views, _pack = _base_.train_pipeline
train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        data_root='data/quickstart/train',
        pipeline=[_load, dict(_views, transforms=[view_pipeline]), _pack]))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=6)]
train_cfg = dict(max_epochs=6)
default_hooks = dict(logger=dict(interval=10))
