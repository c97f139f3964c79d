# Fine-tuning on 1,000 labels out of 90 % of the training images, validated on the other 10 %.
_base_ = '../cifar10/finetune_vit-micro_b128-coslr-15e_cifar10-5k-holdout.py'

train_dataloader = dict(dataset=dict(num_per_class=100))
param_scheduler = [
    dict(_base_.param_scheduler[0], end=6),
    dict(_base_.param_scheduler[1], begin=6, end=60),
]
train_cfg = dict(max_epochs=60, val_interval=60)
