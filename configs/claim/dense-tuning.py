# Learning rates in dense tasks: three trials of each arm's tokenizer, three or four of its task,
# on held-out training images (CamVid's task: the 101 validation images), which no figure of
# dense.py uses. The best stand there. Run it first, then dense.py in the same folder, --resume:
# python tools/reproduce_claim.py --study configs/claim/dense-tuning.py --study-dir DIR --jobs 2
_base_ = 'dense.py'

title = 'Learning rates in dense tasks, held-out images'
report = 'dense-tuning'
seeds = 1
_rates = {
    'nuclei-tokenizer': ('5e-4', '1e-3', '2e-3'),
    'nuclei-finetune': ('1e-3', '2e-3', '4e-3'),
    'camvid-tokenizer': ('5e-4', '1e-3', '2e-3'),
    'camvid-finetune': ('1e-3', '2e-3', '4e-3', '8e-3'),
}

stages = [
    item for stage in _base_.stages for item in (
        *(dict(
            stage,
            name=f'{stage.name}-lr{rate}',
            title=f'{stage.title}, lr {rate}',
            config=stage.config.replace('4e_nuclei.py', '4e_nuclei-holdout.py'),
            args=[],
            cfg_options=dict(stage.cfg_options, **{'optim_wrapper.optimizer.lr': rate}))
          for rate in _rates.get(stage.name, ())),
        *([stage] if stage.name.endswith(('-tokenizer', '-pretrain')) else []),
    )
]
_trials = {'tokens': ('tokenizer', ' tokenizer'), 'test': ('finetune', '')}
measures = [
    dict(
        measure,
        label=measure.label.replace(':', f'{word}, lr {rate}:'),
        stage=f'{data}-{tried}-lr{rate}') for measure in _base_.measures
    for data, stage in [measure.stage.split('-')]
    if stage in _trials and measure.get('in_figure', True)
    for tried, word in [_trials[stage]] for rate in _rates[f'{data}-{tried}']
]
smoke = dict(
    _delete_=True,
    **{
        trial: options
        for name, options in _base_.smoke.items() if not name.endswith(('-finetune', '-test'))
        for trial in (name, *(f'{name}-lr{rate}' for rate in _rates.get(name, ())))
    },
    **{
        f'{name}-lr{rate}': dict(_base_.smoke[name], **options)
        for name, options in (('nuclei-finetune', {
            'val_dataloader.dataset.indices': -4
        }), ('camvid-finetune', {
            'train_cfg.val_interval': 3,
            'val_dataloader.dataset.indices': 4
        })) for rate in _rates[name]
    })
