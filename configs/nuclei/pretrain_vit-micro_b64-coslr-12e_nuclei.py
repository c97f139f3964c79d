# Masked image modelling on the perceptual tokens of regions of 128 px.
_base_ = [
    '../_base_/models/peco_vit-micro-p8.py',
    '../_base_/models/tokenizer_vqgan-f8-small.py',
    '../_base_/datasets/nuclei_mim.py',
    '../_base_/schedules/mim_adamw_coslr-800e.py',
    '../_base_/default_runtime.py',
]

tokenizer_checkpoint = 'work_dirs/nuclei/tokenizer/epoch_8.pth'
made_by = {
    tokenizer_checkpoint:
    'python tools/run_pipeline.py configs/nuclei/pipeline.py --until tokenizer'
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
    dict(_base_.param_scheduler[0], start_factor=1e-2, end=2),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=2,
        end=12,
        convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=12)
auto_scale_lr = dict(enable=False, base_batch_size=64)
default_hooks = dict(logger=dict(interval=10))
custom_hooks = [
    dict(type='peco.TokenizerGuardHook'),
    dict(type='peco.PictureHook', interval=4),
]
