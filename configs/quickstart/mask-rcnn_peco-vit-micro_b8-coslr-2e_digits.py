# Mask R-CNN from the pretrained backbone: maps of strides 4 and 8, anchors of 16 and 32 px.
_base_ = [
    '../_base_/models/mask-rcnn_peco-vit-micro-p8.py',
    '../_base_/datasets/digits_instance.py',
    '../_base_/schedules/mask-rcnn_adamw_coslr-4e.py',
    '../_base_/mmdet_runtime.py',
]

pretrained = 'work_dirs/quickstart/pretrain/epoch_6.pth'
made_by = {pretrained: 'bash tools/quickstart.sh'}

_strides = [4, 8]
_pyramid, _fpn = _base_.neck
model = dict(
    data_preprocessor=dict(
        mean=[125.307, 122.961, 113.8575], std=[51.5865, 50.847, 51.255], pad_size_divisor=8),
    backbone=dict(
        arch=dict(num_heads=4),
        img_size=32,
        patch_size=4,
        window_size=8,
        abs_pos_embed=True,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    neck=[dict(_pyramid, scales=(1, 0.5)), dict(_fpn, in_channels=[128] * 2, num_outs=2)],
    rpn_head=dict(anchor_generator=dict(scales=[4], strides=_strides)),
    roi_head=dict(
        bbox_roi_extractor=dict(featmap_strides=_strides, finest_scale=28),
        mask_roi_extractor=dict(featmap_strides=_strides, finest_scale=28)),
    train_cfg=dict(rpn_proposal=dict(max_per_img=100), rcnn=dict(sampler=dict(num=32))),
    test_cfg=dict(rpn=dict(max_per_img=100), rcnn=dict(max_per_img=20)))

optim_wrapper = dict(optimizer=dict(lr=2e-3))
_warm_up, _cosine = _base_.param_scheduler
param_scheduler = [dict(_warm_up, end=10), dict(_cosine, end=2)]
train_cfg = dict(max_epochs=2, val_interval=2)
auto_scale_lr = dict(base_batch_size=8)
default_hooks = dict(logger=dict(interval=10))
custom_hooks = _base_.custom_hooks + [dict(type='peco.ShowPredictionsHook', limit=12)]
