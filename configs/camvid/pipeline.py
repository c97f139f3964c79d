# PeCo on CamVid, door to door: python tools/run_pipeline.py configs/camvid/pipeline.py
_base_ = '../_base_/pipelines/dense_study.py'
title = 'PeCo on street scenes of CamVid (two CPU cores)'
work_dir = 'work_dirs/camvid'
names = dict(
    data='camvid',
    task='UperNet',
    finetune='upernet_peco-vit-micro_b8-500it_camvid-256x256',
    scratch='upernet_scratch-vit-micro_b8-500it_camvid-256x256',
    images='test')

_measures = [
    ('mIoU (%)', 'mIoU', '.2f'),
    ('mAcc (%)', 'mAcc', '.2f'),
    ('aAcc (%)', 'aAcc', '.2f'),
]
table = dict(rows=_base_.table.rows + [
    dict(
        label=f'{label}, seed {seed}',
        cells={
            'PeCo': (f'finetune-{seed}-test', key, form),
            'from scratch': (f'scratch-{seed}-test', key, form)
        }) for label, key, form in _measures for seed in (0, 1)
])

_steps = {'train_cfg.max_iters': 3}
smoke = {
    f'{arm}-{seed}': dict(cfg_options=_steps)
    for arm in ('finetune', 'scratch') for seed in (0, 1)
}
