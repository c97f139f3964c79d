# Mask R-CNN from the pretrained backbone.
_base_ = [
    '../_base_/models/mask-rcnn_peco-vit-micro-p8.py',
    '../_base_/datasets/nuclei_instance.py',
    '../_base_/schedules/mask-rcnn_adamw_coslr-4e.py',
    '../_base_/mmdet_runtime.py',
]

pretrained = 'work_dirs/nuclei/pretrain/epoch_12.pth'
made_by = {
    pretrained: 'python tools/run_pipeline.py configs/nuclei/pipeline.py --until pretrain'
}

model = dict(
    data_preprocessor=dict(mean=[36.7, 33.8, 40.5], std=[60.6, 56.3, 68.4]),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=pretrained)))

optim_wrapper = dict(optimizer=dict(lr=2e-3))
default_hooks = dict(logger=dict(interval=20))
