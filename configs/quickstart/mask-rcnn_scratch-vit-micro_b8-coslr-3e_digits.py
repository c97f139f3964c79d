# The same from random weights, without layer decay.
_base_ = 'mask-rcnn_peco-vit-micro_b8-coslr-3e_digits.py'

made_by = dict(_delete_=True)
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=1.0))
