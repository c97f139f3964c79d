# The same from random weights, without layer decay.
_base_ = 'finetune_vit-micro_b128-coslr-60e_cifar10-1k-holdout.py'

made_by = dict(_delete_=True)
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(layer_decay_rate=1.0))
