# Weighted kNN on the encoder of MAE.
_base_ = ['../_base_/models/vit-micro-p4_mae.py', '../cifar10/knn_vit-micro_cifar10.py']

model = dict(backbone=dict(_base_.mae_backbone, _delete_=True, out_type='featmap'))
