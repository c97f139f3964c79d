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
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=1,
        end=5,
        convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=5)
auto_scale_lr = dict(enable=False, base_batch_size=256)
default_hooks = dict(logger=dict(interval=20))

# Watched with labels of training images alone: 5,000 vote, 2,000 held out are classified.
_pipeline = [
    dict(type='peco.LoadImage'),
    dict(type='Resize', scale=(32, 32), interpolation='bicubic'),
    dict(type='PackInputs'),
]
_watched = dict(
    batch_size=250, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
_images = dict(type='peco.ImageFolder', data_root=_base_.train_dir, pipeline=_pipeline)
custom_hooks = [
    dict(type='peco.TokenizerGuardHook'),
    dict(type='peco.PictureHook', interval=1),
    dict(
        type='peco.OnlineKNNHook',
        bank_dataloader=dict(
            _watched,
            dataset=dict(
                _images, num_per_class=500, holdout=dict(fraction=0.1, part='train'))),
        query_dataloader=dict(
            _watched,
            dataset=dict(_images, num_per_class=200, holdout=dict(fraction=0.1, part='val')))),
]
