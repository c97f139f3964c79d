# The fixed classifier of reconstructions: 45,000 labels, the architecture of f. It has not seen the
# validation images, whose reconstructions it judges in tokenizers.py.
_base_ = [
    '../_base_/models/resnet18-small.py',
    '../cifar10/scratch_vit-micro_b128-coslr-15e_cifar10-5k.py',
]

model = dict(
    backbone=dict(_base_.resnet, _delete_=True, zero_init_residual=False),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(in_channels=256))
optim_wrapper = dict(
    optimizer=dict(lr=2e-3),
    constructor='DefaultOptimWrapperConstructor',
    paramwise_cfg=dict(_delete_=True, norm_decay_mult=0., bias_decay_mult=0.))
param_scheduler = [
    dict(_base_.param_scheduler[0], end=1),
    dict(_base_.param_scheduler[1], begin=1, end=5),
]
train_dataloader = dict(dataset=dict(num_per_class=None, holdout=dict(fraction=0.1, part='train')))
train_cfg = dict(max_epochs=5, val_interval=5)
