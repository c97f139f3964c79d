# Scenes of 64 px: board and digits. As in ADE20K's masks, 0 is none of the classes.
data_root = 'data/quickstart/scenes'
metainfo = dict(classes=('board', 'digit'), palette=[[60, 60, 60], [220, 20, 60]])

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', reduce_zero_label=True),
    dict(type='PackSegInputs'),
]
test_pipeline = train_pipeline


def _scenes(split):
    return dict(
        type='BaseSegDataset',
        img_suffix='.png',
        data_root=data_root,
        data_prefix=dict(img_path=split, seg_map_path=f'masks/{split}'),
        metainfo=metainfo,
        reduce_zero_label=True,
        pipeline=train_pipeline)


train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=_scenes('train'))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=_scenes('test'))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
