# The claim on CIFAR-10, about eight hours of two CPU cores:
# python tools/reproduce_claim.py --study configs/claim/core.py --study-dir DIR
_base_ = '../cifar10/pipeline.py'

title = 'A perceptual codebook beside a pixel codebook and VQ-KD (CIFAR-10, 32 px)'
work_dir = 'work_dirs/claim/core'
arms = ['scratch', 'pixel', 'peco', 'vq-kd']
seeds = 3
reference = 'pixel'

_cifar, _claim = 'configs/cifar10/', 'configs/claim/'
_tokens = ['pixel', 'peco', 'vq-kd']
_images = ['pixel', 'peco']
_seed = {'randomness.seed': '{seed}'}
_network = '{work_dir}/perceptual_network.pth'
_distance = {'model.perceptual_loss.network.checkpoint': _network}
_features = {'model.network.checkpoint': _network}
_tokenizer = {'model.tokenizer_checkpoint': '{last:{run}/tokenizer}'}
_pretrained = {'model.backbone.init_cfg.checkpoint': '{last:{run}/pretrain}'}

# One perceptual network for all.
shared = [
    dict(stage) for stage in _base_.stages
    if stage.name in ('perceptual', 'perceptual-network', 'perceptual-knn')
]

stages = [
    *(dict(
        name='tokenizer',
        title='tokenizer',
        arms=of_arms,
        run='train',
        config=_claim + 'tokenizer-{arm}_vqgan-f4_b128-coslr-6e_cifar10-20k.py',
        cfg_options={
            **_seed,
            **network
        },
        minutes=18) for of_arms, network in ((_images, _distance), (['vq-kd'], _features))),
    *(dict(
        name='tokens',
        title='what the tokens keep',
        arms=of_arms,
        run='test',
        config=config,
        checkpoint='{last:{run}/tokenizer}',
        cfg_options=network,
        minutes=4)
      for of_arms, config, network in (
          (_images, _cifar + 'tokenprobe_vqgan-f4_cifar10.py', _distance),
          (['vq-kd'], _claim + 'tokenprobe-vq-kd_vqgan-f4_cifar10.py', _features))),
    *(dict(
        name='pretrain',
        title='masked image modelling',
        arms=of_arms,
        run='train',
        config=_claim + config,
        cfg_options={
            **_seed,
            **_tokenizer
        },
        minutes=25) for of_arms, config in (
            (_images, 'pretrain_vit-micro_b256-coslr-30e_cifar10-20k.py'),
            (['vq-kd'], 'pretrain-vq-kd_vit-micro_b256-coslr-30e_cifar10-20k.py'))),
    dict(
        name='knn',
        title='kNN',
        arms=_tokens,
        run='test',
        config=_cifar + 'knn_vit-micro_cifar10.py',
        checkpoint='{last:{run}/pretrain}',
        minutes=1),
    dict(
        name='linear',
        title='linear probe at every depth',
        arms=_tokens,
        run='train',
        config=_cifar + 'linear_vit-micro_b256-coslr-20e_cifar10-5k.py',
        cfg_options={
            **_seed,
            **_pretrained
        },
        minutes=2),
    *(dict(
        name=f'finetune-{labels}',
        title=f'fine-tuning on {labels[:-1]},000 labels',
        arms=of_arms,
        run='train',
        config=f'{folder}{how}_vit-micro_b128-coslr-15e_cifar10-{labels}.py',
        cfg_options={
            **_seed,
            **options
        },
        minutes=2) for labels, folder in (('1k', _claim), ('5k', _cifar))
      for how, of_arms, options in (('finetune', _tokens, _pretrained),
                                    ('scratch', ['scratch'], {}))),
]

measures = [
    dict(label='PSNR (dB)', stage='tokens', key='psnr', format='.2f', arms=_images),
    dict(
        label='perceptual distance',
        stage='tokens',
        key='perceptual_distance',
        format='.3f',
        arms=_images),
    dict(
        label='codebook usage (%)',
        stage='tokens',
        key='codebook_usage',
        arms=_tokens,
        in_figure=False),
    dict(
        label='codebook perplexity',
        stage='tokens',
        key='codebook_perplexity',
        format='.0f',
        arms=_tokens,
        in_figure=False),
    dict(
        label='token probe, bag of codes (%)',
        stage='tokens',
        key='token_probe_top1',
        arms=_tokens),
    dict(
        label='MIM token accuracy (%)',
        stage='pretrain',
        key='token_acc',
        arms=_tokens,
        in_figure=False),
    dict(label='kNN top-1 (%)', stage='knn', key='knn_top1', arms=_tokens),
    dict(
        label='linear top-1, best depth (%)',
        stage='linear',
        key='top1_best_depth',
        arms=_tokens),
    dict(label='top-1, 1,000 labels (%)', stage='finetune-1k', key='accuracy/top1', format='.2f'),
    dict(label='top-1, 5,000 labels (%)', stage='finetune-5k', key='accuracy/top1', format='.2f'),
]
