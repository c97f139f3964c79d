# The same budget from random weights, with its own learning rate and no layer decay.
_base_ = 'upernet_peco-vit-micro_b8-500it_camvid-256x256.py'

made_by = dict(_delete_=True)
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(optimizer=dict(lr=4e-3), paramwise_cfg=dict(layer_decay_rate=1.0))
