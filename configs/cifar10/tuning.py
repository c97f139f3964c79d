# As many trials for either arm, scored on images held out of the training images:
# python tools/run_pipeline.py configs/cifar10/tuning.py (after configs/cifar10/pipeline.py
# has made the pretrained backbone). The best values stand in the configs.
title = 'Learning rates on the validation split (10 % of the CIFAR-10 training images)'
work_dir = 'work_dirs/cifar10-tuning'
_c = 'configs/cifar10/'
_rates = ['1e-3', '2e-3']

stages = [
    dict(
        name=f'scratch-lr{rate}',
        title=f'from scratch, lr {rate}',
        run='train',
        config=_c + 'scratch_vit-micro_b128-coslr-15e_cifar10-5k-holdout.py',
        cfg_options={'optim_wrapper.optimizer.lr': rate},
        minutes=3) for rate in _rates
] + [
    dict(
        name=f'finetune-lr{rate}',
        title=f'fine-tuning, lr {rate}',
        run='train',
        config=_c + 'finetune_vit-micro_b128-coslr-15e_cifar10-5k-holdout.py',
        cfg_options={'optim_wrapper.optimizer.lr': rate},
        minutes=3) for rate in _rates
]

table = dict(
    columns=['fine-tuned', 'from scratch'],
    rows=[
        dict(
            label=f'lr {rate}: top-1 (%)',
            cells={
                'fine-tuned': (f'finetune-lr{rate}', 'accuracy/top1', '.2f'),
                'from scratch': (f'scratch-lr{rate}', 'accuracy/top1', '.2f')
            }) for rate in _rates
    ])
