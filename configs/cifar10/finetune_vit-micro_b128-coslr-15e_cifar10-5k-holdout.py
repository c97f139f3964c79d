# For tuning: 5,000 labels out of 90 % of the training images, validated on the other 10 %.
_base_ = 'finetune_vit-micro_b128-coslr-15e_cifar10-5k.py'

train_dataloader = dict(dataset=dict(holdout=dict(fraction=0.1, part='train')))
val_dataloader = dict(
    dataset=dict(data_root=_base_.train_dir, holdout=dict(fraction=0.1, part='val')))
