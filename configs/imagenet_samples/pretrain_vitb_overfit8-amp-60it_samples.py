# Full-size pretraining on 8 images: the loss must fall far below the entropy of their tokens.
_base_ = '../peco/pretrain_vitb_800e.py'

tokenizer_checkpoint = 'work_dirs/imagenet_samples/tokenizer/iter_32.pth'
made_by = {
    '_delete_': True,
    tokenizer_checkpoint:
    'python tools/run_pipeline.py configs/imagenet_samples/pipeline.py --until tokenizer'
}
# Absolute positions as well: with relative ones alone, 100 steps of eight images teach each
# image's share of tokens (4.9 nats) and not yet where they lie.
model = dict(
    backbone=dict(drop_path_rate=0., abs_pos_embed=True),
    tokenizer_checkpoint=tokenizer_checkpoint,
    tokenizer_amp=True)

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(
        data_root='data/imagenet_samples',
        indices=8,
        pipeline=[
            dict(type='peco.LoadImage'),
            dict(type='peco.CenterCropBox'),
            dict(type='peco.CropAndResize', size=224),
            dict(type='peco.BlockwiseMask', grid_size=(14, 14), num_masked=75, min_patches=16),
            dict(type='PackInputs'),
        ]))
optim_wrapper = dict(optimizer=dict(lr=7e-4))
param_scheduler = [dict(type='LinearLR', start_factor=0.02, by_epoch=False, end=20)]
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=60)
auto_scale_lr = dict(enable=False)
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(by_epoch=False, interval=20, max_keep_ckpts=1))
log_processor = dict(by_epoch=False)
custom_hooks = [dict(type='peco.TokenizerGuardHook')]
