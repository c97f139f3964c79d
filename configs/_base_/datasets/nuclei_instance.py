# Regions of 256 px in training, whole images in testing; all in their own resolution.
_base_ = 'mmdet::_base_/datasets/coco_instance.py'
data_root = '{{$PECO_NUCLEI_DIR:data/nuclei}}'
metainfo = dict(classes=('nucleus', ), palette=[(220, 20, 60)])

# Polygons: masks of 375 nuclei as bitmaps would fill 400 MB.
_annotations = dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=False)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    _annotations,
    dict(type='RandomCrop', crop_size=(256, 256)),
    dict(type='RandomFlip', prob=0.75, direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    # mmdet's heads want to be told of a scale.
    dict(type='Resize', scale_factor=1., keep_ratio=True),
    _annotations,
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'instances')),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='train/'),
        metainfo=metainfo,
        pipeline=train_pipeline))
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='val/'),
        metainfo=metainfo,
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + '/annotations/instances_val.json')
test_evaluator = val_evaluator
