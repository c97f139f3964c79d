# Three rates for either arm, scored on 100 of the training images, which no final figure uses:
# python tools/run_pipeline.py configs/nuclei/tuning.py, after
# configs/nuclei/pipeline.py --until pretrain.
title = 'Learning rates on 100 of the training images'
work_dir = 'work_dirs/nuclei-tuning'
_c = 'configs/nuclei/'
_rates = ['1e-3', '2e-3', '4e-3']
_arms = {
    'finetune': ('fine-tuned', _c + 'mask-rcnn_peco-vit-micro_b4-coslr-4e_nuclei-holdout.py'),
    'scratch': ('from scratch', _c + 'mask-rcnn_scratch-vit-micro_b4-coslr-4e_nuclei-holdout.py'),
}

stages = [
    dict(
        name=f'{arm}-lr{rate}',
        title=f'{label}, lr {rate}',
        run='train',
        config=config,
        cfg_options={'optim_wrapper.optimizer.lr': rate},
        minutes=12) for arm, (label, config) in _arms.items() for rate in _rates
]

_measures = [('box AP', 'coco/bbox_mAP', '.4f'), ('mask AP', 'coco/segm_mAP', '.4f')]
table = dict(
    columns=['fine-tuned', 'from scratch'],
    rows=[
        dict(
            label=f'lr {rate}: {measure}',
            cells={
                label: (f'{arm}-lr{rate}', key, form) for arm, (label, _) in _arms.items()
            }) for measure, key, form in _measures for rate in _rates
    ])
