# Small UperNet from random heads: 50 steps of warm-up, linear to zero, clipped gradients.
_base_ = './ade20k_adamw_160k.py'

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(_base_.optim_wrapper.optimizer, lr=1e-3),
    clip_grad=dict(max_norm=3.0),
    constructor=_base_.optim_wrapper.constructor,
    paramwise_cfg=dict(layer_decay_rate=0.85))
param_scheduler = [
    dict(_base_.param_scheduler[0], end=50),
    dict(_base_.param_scheduler[1], begin=50, end=500),
]
train_cfg = dict(max_iters=500, val_interval=500)
auto_scale_lr = dict(enable=False, base_batch_size=8)
