# The perceptual network f: SimCLR on regions of the training images, without labels.
_base_ = '../nuclei/perceptual_simclr-resnet18_b64-coslr-10e_nuclei.py'
data_root = '{{$PECO_CAMVID_DIR:data/camvid}}'

data_preprocessor = dict(mean=[104.7, 108.1, 109.9], std=[78., 79., 77.9])

_load, _crop, _views, _pack = _base_.train_pipeline
train_pipeline = [_load, dict(_crop, crop_size=192), _views, _pack]
train_dataloader = dict(
    dataset=dict(
        times=12,
        dataset=dict(data_root=data_root, data_prefix='images/train', pipeline=train_pipeline)))
