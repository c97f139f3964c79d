_base_ = '../cifar10/finetune_vit-micro_b128-coslr-15e_cifar10-5k.py'

pretrained = 'work_dirs/quickstart/pretrain/epoch_6.pth'
made_by = {'_delete_': True, pretrained: 'bash tools/quickstart.sh'}
model = dict(backbone=dict(abs_pos_embed=True, init_cfg=dict(checkpoint=pretrained)))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_dataloader = dict(
    batch_size=32, dataset=dict(data_root='data/quickstart/train', num_per_class=100))
val_dataloader = dict(dataset=dict(data_root='data/quickstart/test'))
test_dataloader = val_dataloader
default_hooks = dict(logger=dict(interval=20))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=16)]
train_cfg = dict(max_epochs=16, val_interval=16)
