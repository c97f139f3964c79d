# UperNet on ViT-L; learning rate, layer decay and drop path are ours.
_base_ = [
    'mmseg::_base_/models/upernet_beit.py',
    '../_base_/models/peco_vit-large-p16_depths.py',
    '../_base_/datasets/ade20k_640.py',
    '../_base_/schedules/ade20k_adamw_160k.py',
    '../_base_/mmseg_runtime.py',
]

pretrained = 'work_dirs/pretrain_vitl_800e/epoch_800.pth'

model = dict(
    data_preprocessor=dict(size=(640, 640), test_cfg=dict(size_divisor=16)),
    backbone=dict(
        _base_.backbone,
        _delete_=True,
        img_size=640,
        drop_path_rate=0.2,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    neck=dict(_base_.neck, _delete_=True),
    decode_head=dict(in_channels=[1024] * 4, channels=1024),
    auxiliary_head=dict(in_channels=1024),
    test_cfg=dict(mode='slide', crop_size=(640, 640), stride=(426, 426)))
optim_wrapper = dict(optimizer=dict(lr=2e-4), paramwise_cfg=dict(layer_decay_rate=0.8))
