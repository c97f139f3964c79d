# The backbone of perceptual_simclr-resnet18-small.py.
resnet = dict(
    type='ResNet_CIFAR',
    depth=18,
    stem_channels=32,
    base_channels=32,
    strides=(2, 2, 2, 1),
    out_indices=(3, ))
