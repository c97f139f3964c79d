# Small Mask R-CNN from random heads: 100 steps of warm-up, cosine to zero, clipped gradients.
_base_ = './coco_adamw_1x.py'

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(_base_.optim_wrapper.optimizer, lr=1e-3),
    clip_grad=dict(max_norm=3.0),
    constructor=_base_.optim_wrapper.constructor,
    paramwise_cfg=dict(layer_decay_rate=0.85))
param_scheduler = [
    dict(_base_.param_scheduler[0], end=100),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.,
        by_epoch=True,
        begin=0,
        end=4,
        convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=4, val_interval=4)
auto_scale_lr = dict(enable=False, base_batch_size=4)
