# Masked image modelling for 30 epochs of 20,000 images.
_base_ = '../cifar10/pretrain_vit-micro_b256-coslr-5e_cifar10.py'

# Labels choose as many images of each class; the model does not see them.
train_dataloader = dict(dataset=dict(with_label=True, num_per_class=2000))
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=30),
]
train_cfg = dict(max_epochs=30)
# Every fifth epoch stays, to look at later.
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=6))
