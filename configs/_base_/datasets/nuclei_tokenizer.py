# The regions of nuclei_mim.py: a tokenizer holds for the size of image that it was trained on.
# 10 % of the training images are held out to watch.
_base_ = './cifar10_tokenizer.py'
data_root = '{{$PECO_NUCLEI_DIR:data/nuclei}}'

_load, _, _, _pack = _base_.train_pipeline
train_pipeline = [
    _load,
    dict(type='RandomCrop', crop_size=160),
    dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
    dict(type='peco.CropAndResize', size=128),
    _pack,
]
val_pipeline = [_load, dict(type='CenterCrop', crop_size=128), _pack]

_images = dict(
    type='peco.ImageFolder', data_root=data_root, data_prefix='train', with_label=False)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=2,
        dataset=dict(
            _images, holdout=dict(fraction=0.1, part='train'), pipeline=train_pipeline)))
val_dataloader = dict(
    batch_size=32,
    dataset=dict(
        _delete_=True,
        **_images,
        holdout=dict(fraction=0.1, part='val'),
        pipeline=val_pipeline))
test_dataloader = dict(
    batch_size=32,
    dataset=dict(
        _delete_=True, **{**_images, 'data_prefix': 'val'}, pipeline=val_pipeline))
