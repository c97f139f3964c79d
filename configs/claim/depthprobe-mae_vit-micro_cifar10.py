# The encoder of MAE.
_base_ = ['../_base_/models/vit-micro-p4_mae.py', 'depthprobe_vit-micro_cifar10.py']

model = dict(
    backbone=dict(
        _base_.mae_backbone,
        _delete_=True,
        out_type='featmap',
        out_indices=list(range(6)),
        final_norm=False))
