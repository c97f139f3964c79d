_base_ = '../cifar10/linear_vit-micro_b256-coslr-20e_cifar10-5k.py'

pretrained = 'work_dirs/quickstart/pretrain/epoch_6.pth'
made_by = {'_delete_': True, pretrained: 'bash tools/quickstart.sh'}
model = dict(backbone=dict(abs_pos_embed=True, init_cfg=dict(checkpoint=pretrained)))
train_dataloader = dict(dataset=dict(data_root='data/quickstart/train', num_per_class=100))
val_dataloader = dict(dataset=dict(data_root='data/quickstart/test'))
test_dataloader = val_dataloader
default_hooks = dict(logger=dict(interval=5))
