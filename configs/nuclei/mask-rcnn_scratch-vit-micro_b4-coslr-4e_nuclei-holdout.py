# For tuning the recipe from scratch on the same split.
_base_ = 'mask-rcnn_peco-vit-micro_b4-coslr-4e_nuclei-holdout.py'

made_by = dict(_delete_=True)
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(layer_decay_rate=1.0))
