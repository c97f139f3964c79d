# For tuning the recipe from scratch on the same split.
_base_ = 'scratch_vit-micro_b128-coslr-15e_cifar10-5k.py'

train_dataloader = dict(dataset=dict(holdout=dict(fraction=0.1, part='train')))
val_dataloader = dict(
    dataset=dict(data_root=_base_.train_dir, holdout=dict(fraction=0.1, part='val')))
