# Two augmented views of a region of 96 px; each image gives 8 regions an epoch.
_base_ = './cifar10_ssl.py'
data_root = '{{$PECO_NUCLEI_DIR:data/nuclei}}'

data_preprocessor = dict(mean=[36.7, 33.8, 40.5], std=[60.6, 56.3, 68.4])

_crop, *_colours = _base_.view_pipeline
view_pipeline = [dict(_crop, scale=64, crop_ratio_range=(0.3, 1.0)), *_colours]
_load, _views, _pack = _base_.train_pipeline
train_pipeline = [
    _load,
    dict(type='RandomCrop', crop_size=96),
    dict(_views, transforms=[view_pipeline]),
    _pack,
]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=8,
        dataset=dict(
            type='peco.ImageFolder',
            data_root=data_root,
            data_prefix='train',
            with_label=False,
            pipeline=train_pipeline)))
