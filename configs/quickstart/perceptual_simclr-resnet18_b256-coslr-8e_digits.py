_base_ = '../cifar10/perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py'

train_dataloader = dict(dataset=dict(data_root='data/quickstart/train'))
default_hooks = dict(logger=dict(interval=5))
