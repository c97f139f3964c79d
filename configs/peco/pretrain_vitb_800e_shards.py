# The same from the tar shards that tools/make_shards.py wrote.
_base_ = 'pretrain_vitb_800e.py'

train_dataloader = dict(
    sampler=None,
    dataset=dict(
        _delete_=True,
        type='peco.TarShards',
        data_root='{{$PECO_SHARDS_DIR:data/imagenet_shards/train}}',
        pipeline=_base_.train_pipeline))
