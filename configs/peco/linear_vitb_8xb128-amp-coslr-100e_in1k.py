# Linear probe at every depth of the frozen backbone.
_base_ = [
    '../_base_/models/peco_vit-base-p16.py',
    '../_base_/datasets/in1k_cls.py',
    '../_base_/schedules/cls_adamw_coslr-100e.py',
    '../_base_/default_runtime.py',
]

pretrained = 'work_dirs/pretrain_vitb_800e/epoch_800.pth'
made_by = {pretrained: 'tools/dist_train.sh configs/peco/pretrain_vitb_800e.py 8'}

model = dict(
    type='ImageClassifier',
    backbone=dict(
        _base_.backbone,
        out_type='avg_featmap',
        out_indices=tuple(range(12)),
        final_norm=False,
        frozen_stages=12,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    head=dict(type='peco.MultiDepthLinearHead', num_classes=1000, in_channels=768, num_depths=12))

optim_wrapper = dict(
    _delete_=True,
    type='peco.AmpOptimWrapper',
    dtype='bfloat16',
    optimizer=dict(type='AdamW', lr=4e-3, weight_decay=1e-4, fused=True))
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], eta_min_ratio=0.),
]
val_evaluator = dict(_delete_=True, type='peco.DepthAccuracy')
test_evaluator = dict(_delete_=True, type='peco.DepthAccuracy')
# The probe's batch statistics must agree on all ranks.
custom_hooks = [dict(type='SyncBuffersHook')]
