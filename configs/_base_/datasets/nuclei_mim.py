# A region of 160 px, zoomed up to 1.5 times to 128 px; 102 of 16x16 patches are masked.
_base_ = './cifar10_mim.py'
data_root = '{{$PECO_NUCLEI_DIR:data/nuclei}}'

data_preprocessor = dict(mean=[36.7, 33.8, 40.5], std=[60.6, 56.3, 68.4])

_load, _, _, _mask, _pack = _base_.train_pipeline
train_pipeline = [
    _load,
    dict(type='RandomCrop', crop_size=160),
    dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
    dict(type='peco.CropAndResize', size=128),
    dict(_mask, grid_size=(16, 16), num_masked=102, min_patches=16),
    _pack,
]
train_dataloader = dict(
    batch_size=64,
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
