# Mask R-CNN from the pretrained backbone.
_base_ = [
    '../_base_/models/mask-rcnn_peco-vit-micro-p8.py',
    '../_base_/datasets/nuclei_instance.py',
    '../_base_/schedules/coco_adamw_1x.py',
    '../_base_/mmdet_runtime.py',
]

pretrained = 'work_dirs/nuclei/pretrain/epoch_12.pth'
made_by = {
    pretrained: 'python tools/run_pipeline.py configs/nuclei/pipeline.py --until pretrain'
}

model = dict(
    data_preprocessor=dict(mean=[36.7, 33.8, 40.5], std=[60.6, 56.3, 68.4]),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=pretrained)))

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(_base_.optim_wrapper.optimizer, lr=1e-3),
    clip_grad=dict(max_norm=3.0),
    constructor=_base_.optim_wrapper.constructor,
    paramwise_cfg=dict(layer_decay_rate=0.85))
param_scheduler = [
    dict(_base_.param_scheduler[0], end=100),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.,
        by_epoch=True,
        begin=0,
        end=4,
        convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=4, val_interval=4)
auto_scale_lr = dict(enable=False, base_batch_size=4)
default_hooks = dict(logger=dict(interval=20))
