# UperNet on ViT-L; learning rate, layer decay and drop path are ours.
_base_ = [
    '../_base_/models/upernet_peco-vit-large.py',
    '../_base_/datasets/ade20k_640.py',
    '../_base_/schedules/ade20k_adamw_160k.py',
    '../_base_/mmseg_runtime.py',
]

pretrained = 'work_dirs/pretrain_vitl_800e/epoch_800.pth'
made_by = {pretrained: 'tools/dist_train.sh configs/peco/pretrain_vitl_800e.py 8'}

model = dict(
    data_preprocessor=dict(size=(640, 640)),
    backbone=dict(img_size=640, init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    test_cfg=dict(crop_size=(640, 640), stride=(426, 426)))
optim_wrapper = dict(optimizer=dict(lr=2e-4), paramwise_cfg=dict(layer_decay_rate=0.8))
