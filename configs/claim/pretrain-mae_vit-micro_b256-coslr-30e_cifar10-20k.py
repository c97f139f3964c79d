# MAE in the place of tokens: the same images, crops, epochs and encoder size.
_base_ = [
    '../_base_/models/vit-micro-p4_mae.py',
    '../_base_/datasets/cifar10_mim.py',
    '../_base_/schedules/mim_adamw_coslr-800e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='MAE',
    backbone=dict(_base_.mae_backbone, type='MAEViT', out_type='raw', mask_ratio=0.75),
    neck=dict(
        type='MAEPretrainDecoder',
        num_patches=64,
        patch_size=4,
        embed_dim=128,
        decoder_embed_dim=64,
        decoder_depth=2,
        decoder_num_heads=4),
    head=dict(
        type='MAEPretrainHead',
        norm_pix=True,
        patch_size=4,
        loss=dict(type='PixelReconstructionLoss', criterion='L2')))
data_preprocessor = dict(
    _delete_=True,
    type='SelfSupDataPreprocessor',
    mean=_base_.data_preprocessor.mean,
    std=_base_.data_preprocessor.std,
    to_rgb=True)

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(_base_.optim_wrapper.optimizer, betas=(0.9, 0.95)),
    clip_grad=_base_.optim_wrapper.clip_grad,
    paramwise_cfg=_base_.optim_wrapper.paramwise_cfg)
param_scheduler = [
    dict(_base_.param_scheduler[0], start_factor=1e-2, end=1),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=1,
        end=30,
        convert_to_iter_based=True),
]
# Labels choose as many images of each class; the model does not see them.
train_dataloader = dict(
    dataset=dict(
        with_label=True,
        num_per_class=2000,
        pipeline=[step for step in _base_.train_pipeline if step.type != 'peco.BlockwiseMask']))
train_cfg = dict(max_epochs=30)
auto_scale_lr = dict(enable=False, base_batch_size=256)
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=5, max_keep_ckpts=6))
