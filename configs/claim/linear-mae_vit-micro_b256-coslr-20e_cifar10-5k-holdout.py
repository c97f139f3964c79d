# Linear probe at every depth of the encoder of MAE.
_base_ = [
    '../_base_/models/vit-micro-p4_mae.py',
    'linear_vit-micro_b256-coslr-20e_cifar10-5k-holdout.py',
]

pretrained = _base_.mae_weights
made_by = dict(_base_.mae_made_by, _delete_=True)
model = dict(
    backbone=dict(
        _base_.mae_backbone,
        _delete_=True,
        out_type='featmap',
        out_indices=list(range(6)),
        final_norm=False,
        frozen_stages=6,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')))
