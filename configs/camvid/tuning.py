# Four rates for either arm, scored on the 101 validation images, which no final figure uses:
# python tools/run_pipeline.py configs/camvid/tuning.py, after
# configs/camvid/pipeline.py --until pretrain. The best stand in the configs.
title = 'Learning rates on the 101 validation images'
work_dir = 'work_dirs/camvid-tuning'
_c = 'configs/camvid/'
_rates = ['1e-3', '2e-3', '4e-3', '8e-3']
_arms = {
    'finetune': ('fine-tuned', _c + 'upernet_peco-vit-micro_b8-500it_camvid-256x256.py'),
    'scratch': ('from scratch', _c + 'upernet_scratch-vit-micro_b8-500it_camvid-256x256.py'),
}

stages = [
    dict(
        name=f'{arm}-lr{rate}',
        title=f'{label}, lr {rate}',
        run='train',
        config=config,
        cfg_options={'optim_wrapper.optimizer.lr': rate},
        minutes=16) for arm, (label, config) in _arms.items() for rate in _rates
]

table = dict(
    columns=[label for label, _ in _arms.values()],
    rows=[
        dict(
            label=f'lr {rate}: mIoU (%)',
            cells={
                label: (f'{arm}-lr{rate}', 'mIoU', '.2f') for arm, (label, _) in _arms.items()
            }) for rate in _rates
    ])
