# The backbone of perceptual_simclr-resnet18-small.py.
resnet = dict(
    type='ResNet_CIFAR',
    depth=18,
    stem_channels=32,
    base_channels=32,
    strides=(2, 2, 2, 1),
    out_indices=(3, ))
simclr_weights = 'work_dirs/cifar10/perceptual/epoch_8.pth'
simclr_made_by = {
    simclr_weights: 'python tools/run_pipeline.py configs/cifar10/pipeline.py --until perceptual'
}
