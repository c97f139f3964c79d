# Unlabelled 32 px images for the tokenizer; 4 % of them are held out to watch it.
train_dir = '{{$PECO_CIFAR10_DIR:data/cifar10}}/train'

data_preprocessor = dict(
    type='SelfSupDataPreprocessor', mean=[0., 0., 0.], std=[255., 255., 255.], to_rgb=True)

train_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
    dict(type='peco.CropAndResize', size=32),
    dict(type='PackInputs'),
]
val_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='Resize', scale=(32, 32), interpolation='bicubic'),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=128,
    num_workers=1,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='peco.ImageFolder',
        data_root=train_dir,
        with_label=False,
        holdout=dict(fraction=0.04, part='train'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=250,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='peco.ImageFolder',
        data_root=train_dir,
        with_label=False,
        holdout=dict(fraction=0.04, part='val'),
        pipeline=val_pipeline))
val_evaluator = [
    dict(type='peco.ReconstructionMetric'),
    dict(type='peco.CodebookMetric', codebook_size=1024),
]
test_dataloader = val_dataloader
test_evaluator = val_evaluator
