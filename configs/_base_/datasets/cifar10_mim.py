# One random-resized crop feeds the backbone and the tokenizer; 26 of 8x8 patches are masked.
train_dir = '{{$PECO_CIFAR10_DIR:data/cifar10}}/train'

data_preprocessor = dict(
    type='peco.TwoViewDataPreprocessor',
    mean=[125.307, 122.961, 113.8575],
    std=[51.5865, 50.847, 51.255],
    to_rgb=True)

train_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
    dict(type='peco.CropAndResize', size=32),
    dict(type='peco.BlockwiseMask', grid_size=(8, 8), num_masked=26, min_patches=4),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=256,
    num_workers=1,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='peco.ImageFolder', data_root=train_dir, with_label=False, pipeline=train_pipeline))
