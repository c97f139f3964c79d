# ADE20K at 640 px; the scales of --tta as at 512 px.
_base_ = 'mmseg::_base_/datasets/ade20k_640x640.py'
data_root = '{{$PECO_ADE_DIR:data/ade/ADEChallengeData2016}}'

tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=(10**5, max(640, int(640 * ratio))), keep_ratio=True)
                for ratio in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
            ],
            [dict(type='RandomFlip', prob=flip, direction='horizontal') for flip in (0., 1.)],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ]),
]
train_dataloader = dict(batch_size=2, dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
