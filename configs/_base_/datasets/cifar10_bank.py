# The training images as a bank, the test images as queries (kNN, token probe).
train_dir = '{{$PECO_CIFAR10_DIR:data/cifar10}}/train'
val_dir = '{{$PECO_CIFAR10_DIR:data/cifar10}}/test'

test_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='Resize', scale=(32, 32), interpolation='bicubic'),
    dict(type='PackInputs', meta_keys=('img_path', 'split_role')),
]

test_dataloader = dict(
    batch_size=250,
    num_workers=1,
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
