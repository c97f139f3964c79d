# Masked image modelling on the perceptual tokens of regions zoomed from half to 1.3 times.
_base_ = '../nuclei/pretrain_vit-micro_b64-coslr-12e_nuclei.py'
data_root = '{{$PECO_CAMVID_DIR:data/camvid}}'

tokenizer_checkpoint = 'work_dirs/camvid/tokenizer/epoch_8.pth'
made_by = dict(
    _delete_=True,
    **{
        tokenizer_checkpoint:
        'python tools/run_pipeline.py configs/camvid/pipeline.py --until tokenizer'
    })
model = dict(tokenizer_checkpoint=tokenizer_checkpoint)
data_preprocessor = dict(mean=[104.7, 108.1, 109.9], std=[78., 79., 77.9])

_load, _, _box, *_rest = _base_.train_pipeline
train_pipeline = [_load, dict(_box, scale=(0.06, 0.4)), *_rest]
train_dataloader = dict(
    dataset=dict(
        times=12,
        dataset=dict(data_root=data_root, data_prefix='images/train', pipeline=train_pipeline)))
