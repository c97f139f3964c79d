# Masked image modelling on the perceptual tokens of the 50,000 training images.
_base_ = [
    '../_base_/models/peco_vit-micro-p4.py',
    '../_base_/models/tokenizer_vqgan-f4-small.py',
    '../_base_/datasets/cifar10_mim.py',
    '../_base_/schedules/mim_adamw_coslr-800e.py',
    '../_base_/default_runtime.py',
]

tokenizer_checkpoint = 'work_dirs/cifar10/tokenizer/epoch_2.pth'
made_by = {
    tokenizer_checkpoint:
    'python tools/run_pipeline.py configs/cifar10/pipeline.py --until tokenizer'
}

model = dict(
    type='peco.PeCo',
    backbone=dict(_base_.backbone, mask_token=True, out_type='raw'),
    head=dict(type='peco.MIMHead', embed_dims=128, num_classes=1024),
    tokenizer=_base_.tokenizer,
    tokenizer_checkpoint=tokenizer_checkpoint)

optim_wrapper = dict(_delete_=True, type='OptimWrapper', **{
    key: _base_.optim_wrapper[key] for key in ('optimizer', 'clip_grad', 'paramwise_cfg')})
param_scheduler = [
    dict(_base_.param_scheduler[0], start_factor=1e-2, end=1),
    dict(_base_.param_scheduler[1], begin=1, end=5),
]
train_cfg = dict(max_epochs=5)
auto_scale_lr = dict(enable=False, base_batch_size=256)
default_hooks = dict(logger=dict(interval=20))
custom_hooks = [
    dict(type='peco.TokenizerGuardHook'),
    dict(type='peco.PictureHook', interval=2),
]
