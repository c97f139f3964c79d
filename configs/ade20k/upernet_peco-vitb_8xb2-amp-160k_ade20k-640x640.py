# UperNet on ViT-B in BEiT v1's recipe.
_base_ = [
    'mmseg::_base_/models/upernet_beit.py',
    '../_base_/models/peco_vit-base-p16_depths.py',
    '../_base_/datasets/ade20k_640.py',
    '../_base_/schedules/ade20k_adamw_160k.py',
    '../_base_/mmseg_runtime.py',
]

pretrained = 'work_dirs/pretrain_vitb_800e/epoch_800.pth'
made_by = {pretrained: 'tools/dist_train.sh configs/peco/pretrain_vitb_800e.py 8'}

model = dict(
    data_preprocessor=dict(size=(640, 640), test_cfg=dict(size_divisor=16)),
    backbone=dict(
        _base_.backbone,
        _delete_=True,
        img_size=640,
        drop_path_rate=0.1,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    neck=dict(_base_.neck, _delete_=True),
    test_cfg=dict(mode='slide', crop_size=(640, 640), stride=(426, 426)))
