# UperNet from the pretrained backbone.
_base_ = [
    '../_base_/models/upernet_peco-vit-micro-p8.py',
    '../_base_/datasets/digits_seg.py',
    '../_base_/schedules/upernet_adamw_linlr-500it.py',
    '../_base_/mmseg_runtime.py',
]

pretrained = 'work_dirs/quickstart/pretrain/epoch_6.pth'
made_by = {pretrained: 'bash tools/quickstart.sh'}

model = dict(
    data_preprocessor=dict(
        mean=[125.307, 122.961, 113.8575], std=[51.5865, 50.847, 51.255], size=(64, 64)),
    backbone=dict(
        arch=dict(num_heads=4),
        img_size=32,
        patch_size=4,
        window_size=8,
        abs_pos_embed=True,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    decode_head=dict(num_classes=2),
    auxiliary_head=dict(num_classes=2),
    test_cfg=dict(_delete_=True, mode='whole'))

_warm_up, _decay = _base_.param_scheduler
param_scheduler = [dict(_warm_up, end=10), dict(_decay, begin=10, end=60)]
train_cfg = dict(max_iters=60, val_interval=60)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=60))
custom_hooks = _base_.custom_hooks + [dict(type='peco.ShowPredictionsHook', limit=12)]
