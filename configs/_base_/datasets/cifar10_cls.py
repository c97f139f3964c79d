# 5,000 labelled training images (500 a class); the test images are for the final number alone.
train_dir = '{{$PECO_CIFAR10_DIR:data/cifar10}}/train'
val_dir = '{{$PECO_CIFAR10_DIR:data/cifar10}}/test'

data_preprocessor = dict(
    num_classes=10,
    mean=[125.307, 122.961, 113.8575],
    std=[51.5865, 50.847, 51.255],
    to_rgb=True)

train_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='peco.RandomCropBox', scale=(0.4, 1.0)),
    dict(type='peco.CropAndResize', size=32),
    dict(type='PackInputs'),
]
test_pipeline = [
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
        num_per_class=500,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=250,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='peco.ImageFolder', data_root=val_dir, pipeline=test_pipeline))
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
