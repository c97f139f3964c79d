# What the transfer of tokens depends on in masked image modelling: its length and the share of
# patches that are masked, one at a time, on the validation split. Run it in the folder of core.py,
# which it takes perceptual network, tokenizers, token caches and the 30 epochs from:
# python tools/reproduce_claim.py --study configs/claim/pretraining.py --study-dir DIR --resume
_base_ = 'extended.py'

title = 'Masked image modelling, validation images (10 % of the CIFAR-10 training images)'
arms = ['pixel', 'peco']
references = ['pixel']
report = 'pretraining'
seeds = 1

_dataset = 'train_dataloader.dataset.'
_short = {'train_cfg.max_epochs': '10', 'param_scheduler.1.end': '10'}
_masked = (13, 38, 48)  # of 64 patches; core.py masks 26, 41 %
_variants = {
    '10e': _short,
    **{
        f'10e-mask{masked}': {
            **_short, _dataset + 'pipeline.3.num_masked': str(masked)
        } for masked in _masked
    },
}
_labels = {
    '': '30 epochs, 41 % masked',
    '10e': '10 epochs, 41 % masked',
    **{f'10e-mask{masked}': f'10 epochs, {masked / 64:.0%} masked'.replace('%', ' %')
       for masked in _masked},
}  # yapf: disable

_pretrain = next(stage for stage in _base_.stages if stage.name == 'pretrain')
_depths = next(stage for stage in _base_.stages if stage.name == 'epoch30')
_finetune = next(stage for stage in _base_.stages
                 if stage.name == 'finetune-5k' and 'peco' in stage.arms)
shared = [stage for stage in _base_.shared if stage.name in ('perceptual', 'perceptual-network')]
stages = [
    *(stage for stage in _base_.stages if stage.name in ('tokenizer', 'token-cache')),
    _pretrain,
    _depths,
    _finetune,
    *(stage for name, options in _variants.items() for stage in (
        dict(
            _pretrain,
            name=f'pretrain-{name}',
            title=f'masked image modelling, {name}',
            cfg_options={
                **_pretrain.cfg_options,
                **options
            },
            minutes=22),
        dict(
            _depths,
            name=f'depths-{name}',
            title=f'every depth, {name}',
            checkpoint=f'{{last:{{run}}/pretrain-{name}}}'),
        dict(
            _finetune,
            name=f'finetune-5k-{name}',
            title=f'{_finetune.title}, {name}',
            cfg_options={
                **_finetune.cfg_options, 'model.backbone.init_cfg.checkpoint':
                f'{{last:{{run}}/pretrain-{name}}}'
            }))),
]
_kinds = (
    ('kNN, best depth (%)', 'epoch30', 'depths', 'knn_top1_best_depth', '.1f'),
    ('logistic regression, best depth (%)', 'epoch30', 'depths', 'linear_top1_best_depth', '.1f'),
    ('fine-tuned, 5,000 labels (%)', 'finetune-5k', 'finetune-5k', 'accuracy/top1', '.2f'),
)
_by = {
    '% of patches masked, 10 epochs': {
        f'10e-mask{masked}' if masked in _masked else '10e': round(100 * masked / 64)
        for masked in (13, 26, 38, 48)
    },
    'epochs, 41 % masked': {
        '10e': 10,
        '': 30
    },
}
measures = [
    *(dict(
        label=f'{what}: {label}',
        stage=f'{others}-{name}' if name else first,
        key=key,
        format=form,
        in_figure=False) for what, first, others, key, form in _kinds
      for name, label in _labels.items()),
    *(dict(
        label=f'{what}, {x}',
        stage=f'{others}-{name}' if name else first,
        key=key,
        curve=f'{what}, by {by}',
        x=x) for by, places in _by.items() for what, first, others, key, _ in _kinds
      for name, x in places.items()),
]
smoke = dict(
    _delete_=True,
    **{
        name: options for name, options in _base_.smoke.items()
        if name in ('perceptual', 'tokenizer', 'token-cache', 'pretrain', 'epoch30', 'finetune-5k')
    },
    **{f'pretrain-{name}': _base_.smoke['pretrain'] for name in _variants},
    **{f'depths-{name}': _base_.smoke['epoch30'] for name in _variants},
    **{f'finetune-5k-{name}': _base_.smoke['finetune-5k'] for name in _variants})
