# Fine-tuning on 5,000 labels.
_base_ = [
    '../_base_/models/peco_vit-micro-p4.py',
    '../_base_/datasets/cifar10_cls.py',
    '../_base_/schedules/cls_adamw_coslr-100e.py',
    '../_base_/default_runtime.py',
]

pretrained = 'work_dirs/cifar10/pretrain/epoch_5.pth'
made_by = {
    pretrained: 'python tools/run_pipeline.py configs/cifar10/pipeline.py --until pretrain'
}

model = dict(
    type='ImageClassifier',
    backbone=dict(
        _base_.backbone,
        rel_pos_bias='per_layer',
        out_type='avg_featmap',
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=128,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'),
        init_cfg=dict(type='TruncNormal', layer='Linear', std=0.02)))

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(_base_.optim_wrapper.optimizer, lr=2e-3),
    constructor=_base_.optim_wrapper.constructor,
    paramwise_cfg=dict(_base_.optim_wrapper.paramwise_cfg, layer_decay_rate=0.8))
param_scheduler = [
    dict(_base_.param_scheduler[0], start_factor=1e-2, end=2),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-6,
        by_epoch=True,
        begin=2,
        end=15,
        convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=15, val_interval=15)
auto_scale_lr = dict(enable=False, base_batch_size=128)
default_hooks = dict(logger=dict(interval=20))
