# The perceptual network f: MoCo v3 on the training images, without labels.
_base_ = 'mmpretrain::mocov3/mocov3_vit-base-p16_16xb256-amp-coslr-300e_in1k.py'

default_scope = 'mmpretrain'
custom_imports = dict(imports=['peco'], allow_failed_imports=False)
train_dir = '{{$PECO_TRAIN_DIR:data/imagenet/train}}'

# The base's pipelines, with a colour jitter that works with NumPy 2.
jitter = dict(
    type='RandomApply',
    transforms=[
        dict(type='peco.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)
    ],
    prob=0.8)
view_pipeline1 = [_base_.view_pipeline1[0], jitter, *_base_.view_pipeline1[2:]]
view_pipeline2 = [_base_.view_pipeline2[0], jitter, *_base_.view_pipeline2[2:]]
train_pipeline = [
    dict(type='peco.LoadImage'),
    dict(
        type='MultiView', num_views=[1, 1], transforms=[view_pipeline1, view_pipeline2]),
    dict(type='PackInputs'),
]

data_preprocessor = dict(non_blocking=True)
default_hooks = dict(runtime_info=dict(type='peco.RuntimeInfoHook'))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='peco.ImageFolder',
        data_root=train_dir,
        with_label=False,
        pipeline=train_pipeline))
optim_wrapper = dict(
    _delete_=True,
    type='peco.AmpOptimWrapper',
    dtype='bfloat16',
    optimizer=dict(_base_.optim_wrapper.optimizer, fused=True))
# The base's cosine has a fixed T_max, and would rise again in a longer run.
param_scheduler = [
    _base_.param_scheduler[0],
    dict(type='CosineAnnealingLR', by_epoch=True, begin=40, end=300, convert_to_iter_based=True),
]
auto_scale_lr = dict(enable=True, base_batch_size=4096)
randomness = dict(seed=0, diff_rank_seed=True)
