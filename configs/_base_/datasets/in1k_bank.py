# The training images as a bank, the validation images as queries (kNN, token probe).
train_dir = '{{$PECO_TRAIN_DIR:data/imagenet/train}}'
val_dir = '{{$PECO_VAL_DIR:data/imagenet/val}}'

test_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='ResizeEdge', scale=256, edge='short', backend='pillow', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs', meta_keys=('img_path', 'split_role')),
]

test_dataloader = dict(
    batch_size=128,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='peco.ImageFolder',
                data_root=train_dir,
                split_role='bank',
                pipeline=test_pipeline,
                test_mode=True),
            dict(
                type='peco.ImageFolder',
                data_root=val_dir,
                split_role='query',
                pipeline=test_pipeline,
                test_mode=True),
        ]))
