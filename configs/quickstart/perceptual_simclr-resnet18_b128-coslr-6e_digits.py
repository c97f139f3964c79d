_base_ = '../cifar10/perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py'

train_dataloader = dict(batch_size=128, dataset=dict(data_root='data/quickstart/train'))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=6)]
train_cfg = dict(max_epochs=6)
default_hooks = dict(logger=dict(interval=5))
