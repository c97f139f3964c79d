# Linear probe on the last stage of the perceptual network.
_base_ = [
    '../_base_/models/resnet18-small.py',
    'linear_vit-micro_b256-coslr-20e_cifar10-5k-holdout.py',
]

pretrained = _base_.simclr_weights
made_by = dict(_base_.simclr_made_by, _delete_=True)
model = dict(
    backbone=dict(
        _base_.resnet,
        _delete_=True,
        frozen_stages=4,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')),
    head=dict(in_channels=256, num_depths=1))
