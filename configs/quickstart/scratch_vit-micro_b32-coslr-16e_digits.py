# The same budget from random weights, without layer decay.
_base_ = 'finetune_vit-micro_b32-coslr-16e_digits.py'

made_by = dict(_delete_=True)
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=1.0))
