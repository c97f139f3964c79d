# Learning rates of fine-tuning: as many trials for each arm, on a validation split of the training
# images. Its best go into `names` of extended.py. Run it first, then core.py with --resume:
# python tools/reproduce_claim.py --study configs/claim/tuning.py --study-dir DIR --arms ARM ...
_base_ = 'extended.py'

title = 'Learning rates, validation top-1 (10 % of the CIFAR-10 training images)'
report = 'tuning'
seeds = 1
_rates = ('5e-4', '1e-3', '2e-3', '4e-3')
_labels = ('1k', '5k')

shared = [stage for stage in _base_.shared if stage.name in ('perceptual', 'perceptual-network')]
stages = [
    *(stage for stage in _base_.stages if stage.name in ('tokenizer', 'token-cache', 'pretrain')),
    *(dict(
        stage,
        name=f'{stage.name}-lr{rate}',
        title=f'{stage.title}, lr {rate}',
        cfg_options=dict(stage.cfg_options, **{'optim_wrapper.optimizer.lr': rate}))
      for stage in _base_.stages for rate in _rates
      if stage.name in [f'finetune-{labels}' for labels in _labels]),
]
measures = [
    dict(
        label=f'{labels[:-1]},000 labels, lr {rate}',
        stage=f'finetune-{labels}-lr{rate}',
        key='accuracy/top1',
        format='.2f') for labels in _labels for rate in _rates
]
smoke = dict(
    _delete_=True,
    **{
        name: options for name, options in _base_.smoke.items()
        if name in ('perceptual', 'tokenizer', 'token-cache', 'pretrain')
    },
    **{
        f'finetune-{labels}-lr{rate}': _base_.smoke[f'finetune-{labels}']
        for labels in _labels for rate in _rates
    })
