# ADE20K at 512 px. The scales of --tta are those of BEiT's code: they set the short side, which is
# never smaller than the window. In mmseg's own file they are relative to each image's size.
_base_ = 'mmseg::_base_/datasets/ade20k.py'
data_root = '{{$PECO_ADE_DIR:data/ade/ADEChallengeData2016}}'

tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=(10**5, max(512, int(512 * ratio))), keep_ratio=True)
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
