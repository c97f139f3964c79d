# The control: the perceptual network itself, fine-tuned.
_base_ = [
    '../_base_/models/resnet18-small.py',
    '../cifar10/finetune_vit-micro_b128-coslr-15e_cifar10-5k-holdout.py',
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
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(in_channels=256))
# A ResNet has no layers to decay over.
optim_wrapper = dict(
    constructor='DefaultOptimWrapperConstructor',
    paramwise_cfg=dict(_delete_=True, norm_decay_mult=0., bias_decay_mult=0.))
