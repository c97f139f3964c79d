# BEiT's view of ImageNet: one random-resized crop feeds the backbone and the tokenizer.
train_dir = '{{$PECO_TRAIN_DIR:data/imagenet/train}}'

data_preprocessor = dict(
    type='peco.TwoViewDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True)

train_pipeline = [
    dict(type='peco.LoadImage', min_side=896),
    dict(type='peco.RandomCropBox', scale=(0.08, 1.0)),
    dict(type='peco.CropAndResize', size=224),
    dict(type='peco.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.),
    dict(type='peco.BlockwiseMask', grid_size=(14, 14), num_masked=75, min_patches=16),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=256,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='peco.ImageFolder', data_root=train_dir, with_label=False, pipeline=train_pipeline))
