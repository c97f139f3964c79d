# Linear probe at every depth, validated on 10 % of the training images: the best depth is a choice.
_base_ = '../cifar10/linear_vit-micro_b256-coslr-20e_cifar10-5k.py'

train_dataloader = dict(dataset=dict(holdout=dict(fraction=0.1, part='train')))
val_dataloader = dict(
    dataset=dict(data_root=_base_.train_dir, holdout=dict(fraction=0.1, part='val')))
