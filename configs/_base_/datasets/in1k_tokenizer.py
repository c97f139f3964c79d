# Unlabelled images for the tokenizer; 1 % of them are held out to watch it.
train_dir = '{{$PECO_TRAIN_DIR:data/imagenet/train}}'

data_preprocessor = dict(
    type='SelfSupDataPreprocessor', mean=[0., 0., 0.], std=[255., 255., 255.], to_rgb=True,
    non_blocking=True)

train_pipeline = [
    dict(type='peco.LoadImage', min_side=896),
    dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
    dict(type='peco.CropAndResize', size=224),
    dict(type='PackInputs'),
]
val_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='ResizeEdge', scale=224, edge='short', backend='pillow', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='peco.ImageFolder',
        data_root=train_dir,
        with_label=False,
        holdout=dict(fraction=0.01, part='train'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='peco.ImageFolder',
        data_root=train_dir,
        with_label=False,
        holdout=dict(fraction=0.01, part='val'),
        pipeline=val_pipeline))
val_evaluator = [
    dict(type='peco.ReconstructionMetric'),
    dict(type='peco.CodebookMetric', codebook_size=8192),
]
test_dataloader = val_dataloader
test_evaluator = val_evaluator
