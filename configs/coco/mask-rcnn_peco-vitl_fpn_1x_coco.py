# Mask R-CNN on ViT-L, with CAE's rates for it.
_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    '../_base_/models/peco_vit-large-p16_windows.py',
    '../_base_/datasets/coco_instance_480-800.py',
    '../_base_/schedules/coco_adamw_1x.py',
    '../_base_/mmdet_runtime.py',
]

pretrained = 'work_dirs/pretrain_vitl_800e/epoch_800.pth'
made_by = {pretrained: 'tools/dist_train.sh configs/peco/pretrain_vitl_800e.py 8'}

model = dict(
    backbone=dict(
        _base_.backbone,
        _delete_=True,
        drop_path_rate=0.2,
        with_cp=True,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    neck=_base_.neck)
optim_wrapper = dict(optimizer=dict(lr=2e-4), paramwise_cfg=dict(layer_decay_rate=0.85))
