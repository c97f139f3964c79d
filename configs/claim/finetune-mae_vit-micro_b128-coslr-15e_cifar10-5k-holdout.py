# The same from the encoder of MAE.
_base_ = [
    '../_base_/models/vit-micro-p4_mae.py',
    '../cifar10/finetune_vit-micro_b128-coslr-15e_cifar10-5k-holdout.py',
]

pretrained = 'work_dirs/claim/pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k/epoch_30.pth'
made_by = dict(
    _delete_=True,
    **{
        pretrained:
        'python tools/train.py configs/claim/pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k.py'
        ' --work-dir work_dirs/claim/pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k'
    })
model = dict(
    backbone=dict(
        _base_.mae_backbone,
        _delete_=True,
        final_norm=False,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')))
