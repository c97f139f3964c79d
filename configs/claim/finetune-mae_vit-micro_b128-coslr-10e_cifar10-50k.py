# The same from the encoder of MAE.
_base_ = [
    '../_base_/models/vit-micro-p4_mae.py',
    'finetune_vit-micro_b128-coslr-10e_cifar10-50k.py',
]

pretrained = _base_.mae_weights
made_by = dict(_base_.mae_made_by, _delete_=True)
model = dict(
    backbone=dict(
        _base_.mae_backbone,
        _delete_=True,
        final_norm=False,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')))
