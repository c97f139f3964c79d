# Fine-tuning ViT-L with BEiT v1's recipe; PeCo's own is not known.
_base_ = 'finetune_vitb_8xb128-amp-coslr-100e_in1k.py'

pretrained = 'work_dirs/pretrain_vitl_800e/epoch_800.pth'
made_by = dict(
    _delete_=True, **{pretrained: 'tools/dist_train.sh configs/peco/pretrain_vitl_800e.py 8'})

model = dict(
    backbone=dict(
        arch='large',
        layer_scale_init=1e-5,
        drop_path_rate=0.2,
        init_cfg=dict(checkpoint=pretrained)),
    head=dict(in_channels=1024))
optim_wrapper = dict(optimizer=dict(lr=1e-3), paramwise_cfg=dict(layer_decay_rate=0.75))
param_scheduler = [
    dict(_base_.param_scheduler[0], end=5),
    dict(_base_.param_scheduler[1], begin=5, end=50, eta_min_ratio=1e-6 / 1e-3),
]
train_cfg = dict(max_epochs=50)
