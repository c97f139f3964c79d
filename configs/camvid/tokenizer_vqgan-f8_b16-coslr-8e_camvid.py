# The perceptual codebook: tokens of 8x8 px out of 1024 codes, of the regions of pretraining.
_base_ = '../nuclei/tokenizer_vqgan-f8_b16-coslr-8e_nuclei.py'
data_root = '{{$PECO_CAMVID_DIR:data/camvid}}'

perceptual_network = 'work_dirs/camvid/perceptual_network.pth'
made_by = dict(
    _delete_=True,
    **{
        perceptual_network:
        'python tools/run_pipeline.py configs/camvid/pipeline.py --until perceptual-network'
    })
model = dict(perceptual_loss=dict(network=dict(checkpoint=perceptual_network)))
optim_wrapper = dict(optimizer=dict(lr=2e-3))

_load, _, _box, *_rest = _base_.train_pipeline
train_pipeline = [_load, dict(_box, scale=(0.06, 0.4)), *_rest]
_images = dict(data_root=data_root, data_prefix='images/train')
train_dataloader = dict(
    dataset=dict(times=3, dataset=dict(_images, pipeline=train_pipeline)))
val_dataloader = dict(dataset=_images)
test_dataloader = dict(dataset=dict(_images, data_prefix='images/test'))
