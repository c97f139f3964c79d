# What caching few crops of each image costs in accuracy:
# python tools/reproduce_claim.py --study configs/cifar10/views.py
_base_ = 'pipeline.py'

title = 'Cached crops of an image, CIFAR-10, 5 epochs of masked image modelling'
work_dir = 'work_dirs/cifar10-views'
arms = ['online', '4', '16']
seeds = 1
references = ['online']

_c = 'configs/cifar10/'
_pretrain = _c + 'pretrain_vit-micro_b256-coslr-5e_cifar10.py'
_seed = {'randomness.seed': '{seed}'}
_tokenizer = {'model.tokenizer_checkpoint': '{last:tokenizer}'}
_cache = '{work_dir}/{run}/token_cache'

shared = [
    dict(stage) for stage in _base_.stages
    if stage.name in ('perceptual', 'perceptual-network', 'tokenizer')
]

stages = [
    dict(
        name='tokens',
        title='token cache',
        arms=['4', '16'],
        run='tools/cache_tokens.py',
        args=[
            _pretrain, '--views', '{arm}', '--seed', '{seed}', '--out', _cache, '--cfg-options',
            'model.tokenizer_checkpoint={last:tokenizer}'
        ],
        makes=_cache + '/meta.json',
        minutes=3),
    *(dict(
        name='pretrain',
        title='masked image modelling',
        arms=of_arms,
        run='train',
        config=_pretrain,
        cfg_options={
            **_seed,
            **_tokenizer,
            **options
        },
        minutes=12) for of_arms, options in ((['online'], {}), (['4', '16'], {
            'model.token_cache': _cache,
            'train_dataloader.dataset.token_cache': _cache
        }))),
    dict(
        name='knn',
        title='kNN',
        run='test',
        config=_c + 'knn_vit-micro_cifar10.py',
        checkpoint='{last:{run}/pretrain}',
        minutes=2),
    dict(
        name='finetune',
        title='fine-tuning on 5,000 labels',
        run='train',
        config=_c + 'finetune_vit-micro_b128-coslr-15e_cifar10-5k.py',
        cfg_options={
            **_seed, 'model.backbone.init_cfg.checkpoint': '{last:{run}/pretrain}'
        },
        minutes=3),
]

measures = [
    dict(label='MIM token accuracy (%)', stage='pretrain', key='token_acc'),
    dict(label='kNN top-1 (%)', stage='knn', key='knn_top1'),
    dict(label='fine-tuned top-1, 5,000 labels (%)', stage='finetune', key='accuracy/top1'),
]
