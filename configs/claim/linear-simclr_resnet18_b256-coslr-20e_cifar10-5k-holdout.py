# Linear probe on the last stage of the perceptual network.
_base_ = [
    '../_base_/models/resnet18-small.py',
    'linear_vit-micro_b256-coslr-20e_cifar10-5k-holdout.py',
]

pretrained = 'work_dirs/cifar10/perceptual/epoch_8.pth'
made_by = dict(
    _delete_=True,
    **{
        pretrained:
        'python tools/run_pipeline.py configs/cifar10/pipeline.py --until perceptual'
    })
model = dict(
    backbone=dict(
        _base_.resnet,
        _delete_=True,
        frozen_stages=4,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')),
    head=dict(in_channels=256, num_depths=1))
