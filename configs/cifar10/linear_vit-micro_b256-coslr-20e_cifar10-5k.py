# Linear probe at every depth of the frozen backbone.
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
        out_type='avg_featmap',
        out_indices=tuple(range(6)),
        final_norm=False,
        frozen_stages=6,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained, prefix='backbone.')),
    head=dict(type='peco.MultiDepthLinearHead', num_classes=10, in_channels=128, num_depths=6))

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=4e-3, weight_decay=1e-4, fused=True))
param_scheduler = [
    dict(_base_.param_scheduler[0], start_factor=1e-2, end=1),
    dict(
        type='CosineAnnealingLR',
        eta_min=0.,
        by_epoch=True,
        begin=1,
        end=20,
        convert_to_iter_based=True),
]
train_dataloader = dict(batch_size=256)
train_cfg = dict(max_epochs=20, val_interval=20)
val_evaluator = dict(_delete_=True, type='peco.DepthAccuracy')
test_evaluator = dict(_delete_=True, type='peco.DepthAccuracy')
auto_scale_lr = dict(enable=False, base_batch_size=256)
default_hooks = dict(logger=dict(interval=10))
# The probe's batch statistics must agree on all ranks.
custom_hooks = [dict(type='SyncBuffersHook')]
