# PeCo on nuclei, door to door: python tools/run_pipeline.py configs/nuclei/pipeline.py
_base_ = '../_base_/pipelines/dense_study.py'
title = 'PeCo on microscopy images of nuclei (two CPU cores)'
work_dir = 'work_dirs/nuclei'
names = dict(
    data='nuclei',
    task='Mask R-CNN',
    finetune='mask-rcnn_peco-vit-micro_b4-coslr-4e_nuclei',
    scratch='mask-rcnn_scratch-vit-micro_b4-coslr-4e_nuclei',
    images='validation')

_measures = [
    ('box AP', 'coco/bbox_mAP', '.4f'),
    ('box AP at IoU 0.5', 'coco/bbox_mAP_50', '.4f'),
    ('mask AP', 'coco/segm_mAP', '.4f'),
    ('mask AP at IoU 0.5', 'coco/segm_mAP_50', '.4f'),
]
table = dict(rows=_base_.table.rows + [
    dict(
        label=f'{label}, seed {seed}',
        cells={
            'PeCo': (f'finetune-{seed}-test', key, form),
            'from scratch': (f'scratch-{seed}-test', key, form)
        }) for label, key, form in _measures for seed in (0, 1)
])

_steps = {'train_cfg.max_epochs': 1, 'train_dataloader.dataset.indices': 12}
smoke = {
    f'{arm}-{seed}': dict(cfg_options=_steps)
    for arm in ('finetune', 'scratch') for seed in (0, 1)
}
