# 1,000 labels from random weights.
_base_ = '../cifar10/scratch_vit-micro_b128-coslr-15e_cifar10-5k.py'

train_dataloader = dict(dataset=dict(num_per_class=100))
