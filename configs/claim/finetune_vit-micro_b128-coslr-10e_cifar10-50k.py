# Fine-tuning on all 50,000 labels.
_base_ = '../cifar10/finetune_vit-micro_b128-coslr-15e_cifar10-5k.py'

train_dataloader = dict(dataset=dict(num_per_class=None))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=10)]
train_cfg = dict(max_epochs=10, val_interval=10)
