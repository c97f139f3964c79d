# UperNet from the pretrained backbone.
_base_ = [
    '../_base_/models/upernet_peco-vit-micro-p8.py',
    '../_base_/datasets/camvid_256.py',
    '../_base_/schedules/upernet_adamw_linlr-500it.py',
    '../_base_/mmseg_runtime.py',
]

pretrained = 'work_dirs/camvid/pretrain/epoch_12.pth'
made_by = {
    pretrained: 'python tools/run_pipeline.py configs/camvid/pipeline.py --until pretrain'
}

# Four windows of the crop's size cover a test image.
model = dict(
    data_preprocessor=dict(
        mean=[104.7, 108.1, 109.9], std=[78., 79., 77.9], size=(256, 256),
        test_cfg=dict(size_divisor=8)),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
    test_cfg=dict(mode='slide', crop_size=(256, 256), stride=(104, 224)))

optim_wrapper = dict(optimizer=dict(lr=4e-3))
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=100))
