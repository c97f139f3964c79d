# The same from random weights, without layer decay.
_base_ = 'upernet_peco-vit-micro_b8-200it_digits-64x64.py'

made_by = dict(_delete_=True)
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=1.0))
