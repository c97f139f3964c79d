# A narrow ResNet-18 for 32 px: four depths at 16, 8, 4 and 4 pixels.
model = dict(
    type='SimCLR',
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(2, 2, 2, 1),
        out_indices=(3, )),
    neck=dict(
        type='NonLinearNeck',
        in_channels=256,
        hid_channels=256,
        out_channels=128,
        num_layers=2,
        with_avg_pool=True),
    head=dict(
        type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2))
