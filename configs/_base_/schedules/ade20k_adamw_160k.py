# BEiT v1's UperNet recipe: 16 images a step, 160,000 steps, layer decay, linear decay to zero.
_base_ = 'mmseg::_base_/schedules/schedule_160k.py'

optim_wrapper = dict(
    _delete_=True,
    type='peco.AmpOptimWrapper',
    dtype='bfloat16',
    optimizer=dict(type='AdamW', lr=7e-4, betas=(0.9, 0.999), weight_decay=0.05, fused=True),
    constructor='peco.LayerDecayOptimWrapperConstructor',
    paramwise_cfg=dict(layer_decay_rate=0.65))

param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=1500, end=160000),
]
default_hooks = dict(
    runtime_info=dict(type='peco.RuntimeInfoHook'), checkpoint=dict(max_keep_ckpts=2))
auto_scale_lr = dict(enable=True, base_batch_size=16)
