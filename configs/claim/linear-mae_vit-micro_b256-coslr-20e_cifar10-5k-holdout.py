# Linear probe at every depth of the encoder of MAE.
_base_ = [
    '../_base_/models/vit-micro-p4_mae.py',
    'linear_vit-micro_b256-coslr-20e_cifar10-5k-holdout.py',
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
        out_type='featmap',
        out_indices=list(range(6)),
        final_norm=False,
        frozen_stages=6,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')))
