# The perceptual network f: SimCLR on the 50,000 training images, without labels.
_base_ = [
    '../_base_/models/perceptual_simclr-resnet18-small.py',
    '../_base_/datasets/cifar10_ssl.py',
    '../_base_/schedules/perceptual_adamw_coslr-8e.py',
    '../_base_/default_runtime.py',
]

default_hooks = dict(logger=dict(interval=20))
