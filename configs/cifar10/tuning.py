# As many trials for either arm, scored on images held out of the training images:
# python tools/run_pipeline.py configs/cifar10/tuning.py (after configs/cifar10/pipeline.py
# has made the pretrained backbone). The best values stand in the configs.
title = 'Learning rates on the validation split (10 % of the CIFAR-10 training images)'
work_dir = 'work_dirs/cifar10-tuning'
_c = 'configs/cifar10/'
_rates = {'scratch': ['1e-3', '2e-3'], 'finetune': ['1e-3', '2e-3']}

_arms = {'scratch': 'from scratch', 'finetune': 'fine-tuned'}

stages = [
    dict(
        name=f'{arm}-lr{rate}',
        title=f'{label}, lr {rate}',
        run='train',
        config=f'{_c}{arm}_vit-micro_b128-coslr-15e_cifar10-5k-holdout.py',
        cfg_options={'optim_wrapper.optimizer.lr': rate},
        minutes=4) for arm, label in _arms.items() for rate in _rates[arm]
]

table = dict(
    columns=['fine-tuned', 'from scratch'],
    rows=[
        dict(
            label=f'lr {rate}: top-1 (%)',
            cells={
                label: (f'{arm}-lr{rate}', 'accuracy/top1', '.2f')
                for arm, label in _arms.items() if rate in _rates[arm]
            }) for rate in sorted({r for rates in _rates.values() for r in rates}, key=float)
    ])
