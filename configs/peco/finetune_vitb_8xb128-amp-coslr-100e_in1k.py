# Fine-tuning with BEiT v1's recipe; PeCo's own is not known.
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
        rel_pos_bias='per_layer',
        out_type='avg_featmap',
        drop_path_rate=0.1,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained)),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=768,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'),
        # BEiT's 0.02 times its init_scale of 0.001.
        init_cfg=dict(type='TruncNormal', layer='Linear', std=2e-5)),
    train_cfg=dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)]))

train_pipeline = [
    *_base_.train_pipeline[:3],
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        hparams=dict(pad_val=[104, 116, 124], interpolation='bicubic')),
    dict(
        type='RandomErasing',
        erase_prob=0.25,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=[103.53, 116.28, 123.675],
        fill_std=[57.375, 57.12, 58.395]),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
