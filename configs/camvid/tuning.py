# As many trials for either arm, scored on the 101 validation images, which no final figure
# uses: python tools/run_pipeline.py configs/camvid/tuning.py, after
# configs/camvid/pipeline.py --until pretrain. The best values stand in the configs.
title = 'Learning rates on the 101 validation images'
work_dir = 'work_dirs/camvid-tuning'
_c = 'configs/camvid/'
_rate, _decay = 'optim_wrapper.optimizer.lr', 'optim_wrapper.paramwise_cfg.layer_decay_rate'
_rates = {f'lr{rate}': {_rate: rate} for rate in ('1e-3', '2e-3', '4e-3')}
_arms = {
    'finetune': ('fine-tuned', _c + 'upernet_peco-vit-micro_b8-500it_camvid-256x256.py', {
        **_rates, 'lr2e-3-no-decay': {_rate: '2e-3', _decay: '1.0'}
    }),
    'scratch': ('from scratch', _c + 'upernet_scratch-vit-micro_b8-500it_camvid-256x256.py', {
        **_rates, 'lr8e-3': {_rate: '8e-3'}
    }),
}

stages = [
    dict(
        name=f'{arm}-{trial}',
        title=f'{label}, {trial}',
        run='train',
        config=config,
        cfg_options=options,
        minutes=16) for arm, (label, config, trials) in _arms.items()
    for trial, options in trials.items()
]

table = dict(
    columns=[label for label, *_ in _arms.values()],
    rows=[
        dict(
            label=f'{trial}: mIoU (%)',
            cells={
                label: (f'{arm}-{trial}', 'mIoU', '.2f')
                for arm, (label, _, trials) in _arms.items() if trial in trials
            }) for trial in dict.fromkeys(
                trial for *_, trials in _arms.values() for trial in trials)
    ])
