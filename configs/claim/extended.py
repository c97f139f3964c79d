# All arms, five seeds and all 50,000 labels, too; other studies of CIFAR-10 derive from this:
# python tools/reproduce_claim.py --study configs/claim/extended.py --study-dir DIR
_base_ = '../cifar10/pipeline.py'

title = 'Where the tokens come from (CIFAR-10, 32 px)'
work_dir = 'work_dirs/claim/cifar10'
known_arms = ['scratch', 'pixel', 'pixel-x50', 'peco', 'lpips-like', 'vq-kd', 'mae', 'simclr']
arms = known_arms
seeds = 5
report = 'extended'
step_seconds = 0.65  # an AVX-512 core, bfloat16
references = ['pixel', 'pixel-x50']

_cifar, _claim = 'configs/cifar10/', 'configs/claim/'
_images = ['pixel', 'pixel-x50', 'peco', 'lpips-like']
_tokens = [*_images, 'vq-kd']
_pretrained = [*_tokens, 'mae']
_features = [*_pretrained, 'simclr']
_seed = {'randomness.seed': '{seed}'}
_network = '{work_dir}/perceptual_network.pth'
_cache = '{work_dir}/{run}/token-cache/ids'
_labels = {'1k': '60e_cifar10-1k-holdout', '5k': '15e_cifar10-5k-holdout', '50k': '10e_cifar10-50k'}
_epochs = (10, 20, 30)

# What differs from arm to arm. Learning rates: the best of tuning.py for scratch, pixel, pixel-x50,
# peco and vq-kd; not tuned yet for the others.
_of_tokens = {
    'network': 'model.perceptual_loss.network.checkpoint',
    'tokenprobe': _claim + 'tokenprobe_vqgan-f4_cifar10.py',
    'pretrain': _claim + 'pretrain_vit-micro_b256-coslr-30e_cifar10-20k.py',
    'depthprobe': _claim + 'depthprobe_vit-micro_cifar10.py',
    'knn': _cifar + 'knn_vit-micro_cifar10.py',
    'linear': _claim + 'linear_vit-micro_b256-coslr-20e_cifar10-5k-holdout.py',
    'weights': '{last:{run}/pretrain}',
    'folder-1k': _claim + 'finetune_vit-micro',
    'folder-5k': _cifar + 'finetune_vit-micro',
    'folder-50k': _claim + 'finetune_vit-micro',
}
_rates = {'lr-1k': '2e-3', 'lr-5k': '2e-3', 'lr-50k': '2e-3'}
names = {
    'scratch': {
        **{f'folder-{labels}': _claim + 'scratch_vit-micro' for labels in _labels},
        'folder-5k': _cifar + 'scratch_vit-micro',
        'lr-1k': '2e-3',
        'lr-5k': '5e-4',
        'lr-50k': '5e-4'
    },
    'pixel': {
        **_of_tokens,
        **dict.fromkeys(_rates, '1e-3')
    },
    'pixel-x50': {
        **_of_tokens,
        **dict.fromkeys(_rates, '1e-3'), 'lr-1k': '2e-3'
    },
    'peco': {
        **_of_tokens,
        **_rates, 'lr-1k': '1e-3'
    },
    'lpips-like': {
        **_of_tokens,
        **_rates
    },
    'vq-kd': {
        **_of_tokens,
        **_rates, 'lr-1k': '1e-3',
        'network': 'model.network.checkpoint',
        'tokenprobe': _claim + 'tokenprobe-vq-kd_vqgan-f4_cifar10.py',
        'pretrain': _claim + 'pretrain-vq-kd_vit-micro_b256-coslr-30e_cifar10-20k.py'
    },
    'mae': {
        **_rates,
        'depthprobe': _claim + 'depthprobe-mae_vit-micro_cifar10.py',
        'knn': _claim + 'knn-mae_vit-micro_cifar10.py',
        'linear': _claim + 'linear-mae_vit-micro_b256-coslr-20e_cifar10-5k-holdout.py',
        'weights': '{last:{run}/pretrain}',
        **{f'folder-{labels}': _claim + 'finetune-mae_vit-micro' for labels in _labels}
    },
    'simclr': {
        **_rates,
        'depthprobe': _claim + 'depthprobe-simclr_resnet18_cifar10.py',
        'knn': _cifar + 'perceptual-knn_simclr-resnet18_cifar10.py',
        'linear': _claim + 'linear-simclr_resnet18_b256-coslr-20e_cifar10-5k-holdout.py',
        'weights': '{last:perceptual}',
        **{f'folder-{labels}': _claim + 'finetune-simclr_resnet18' for labels in _labels}
    },
}

# One perceptual network and one classifier of reconstructions for all.
_minutes = {'perceptual': 37, 'perceptual-network': 0.1, 'perceptual-knn': 1.5}
shared = [
    *(dict(stage, minutes=_minutes[stage.name]) for stage in _base_.stages
      if stage.name in _minutes),
    dict(
        name='classifier',
        title='classifier of reconstructions',
        run='train',
        config=_claim + 'classifier_resnet18_b128-coslr-5e_cifar10.py',
        minutes=10),
]

stages = [
    dict(
        name='tokenizer',
        title='tokenizer',
        arms=_tokens,
        run='train',
        config=_claim + 'tokenizer-{arm}_vqgan-f4_b128-coslr-6e_cifar10-20k.py',
        cfg_options={
            **_seed, '{network}': _network
        },
        minutes=15),
    *(dict(
        name='tokens',
        title='what the tokens keep',
        arms=of_arms,
        run='test',
        config='{tokenprobe}',
        checkpoint='{last:{run}/tokenizer}',
        cfg_options={
            '{network}': _network,
            **options
        },
        minutes=3)
      for of_arms, options in ((_images, {
          'test_evaluator.0.checkpoint': '{last:classifier}'
      }), (['vq-kd'], {}))),
    # Eight crops of each image, tokenized once: a quarter of what 30 epochs would tokenize.
    dict(
        name='token-cache',
        title='token cache',
        arms=_tokens,
        run='tools/cache_tokens.py',
        args=['{pretrain}', '--views', '8', '--seed', '{seed}', '--out', _cache],
        cfg_options={'model.tokenizer_checkpoint': '{last:{run}/tokenizer}'},
        makes=_cache + '/meta.json',
        minutes=4.5),
    dict(
        name='pretrain',
        title='masked image modelling',
        arms=_tokens,
        run='train',
        config='{pretrain}',
        cfg_options={
            **_seed, 'model.tokenizer_checkpoint': '{last:{run}/tokenizer}',
            'model.token_cache': _cache,
            'train_dataloader.dataset.token_cache': _cache
        },
        minutes=66),
    dict(
        name='pretrain',
        title='masked autoencoder',
        arms=['mae'],
        run='train',
        config=_claim + 'pretrain-mae_vit-micro_b256-coslr-30e_cifar10-20k.py',
        cfg_options=_seed,
        minutes=45),
    *(dict(
        name=f'epoch{epoch}',
        title=f'every depth after epoch {epoch}',
        arms=_pretrained,
        run='test',
        config='{depthprobe}',
        checkpoint=f'{{work_dir}}/{{run}}/pretrain/epoch_{epoch}.pth',
        minutes=0.6) for epoch in _epochs),
    dict(
        name=f'epoch{_epochs[-1]}',
        title='every depth',
        arms=['simclr'],
        run='test',
        config='{depthprobe}',
        checkpoint='{weights}',
        minutes=0.6),
    dict(
        name='knn',
        title='kNN',
        arms=_features,
        run='test',
        config='{knn}',
        checkpoint='{weights}',
        minutes=3),
    dict(
        name='linear',
        title='linear probe at every depth',
        arms=_features,
        run='train',
        config='{linear}',
        cfg_options={
            **_seed, 'model.backbone.init_cfg.checkpoint': '{weights}'
        },
        minutes=3.5),
    *(stage for labels, recipe in _labels.items() for stage in (
        *(dict(
            name=f'finetune-{labels}',
            title=f'fine-tuning on {labels[:-1]},000 labels',
            arms=of_arms,
            run='train',
            config=f'{{folder-{labels}}}_b128-coslr-{recipe}.py',
            cfg_options={
                **_seed, 'train_dataloader.dataset.seed': '{seed}',
                'optim_wrapper.optimizer.lr': f'{{lr-{labels}}}',
                **options
            },
            minutes=36 if labels == '50k' else 6) for of_arms, options in ((['scratch'], {}), (
                _features, {
                    'model.backbone.init_cfg.checkpoint': '{weights}'
                }))),
        dict(
            name=f'finetune-{labels}-test',
            title=f'test images after {labels[:-1]},000 labels',
            run='test',
            config=f'{{folder-{labels}}}_b128-coslr-{recipe}.py',
            checkpoint=f'{{last:{{run}}/finetune-{labels}}}',
            minutes=0.5))),
]

# Of every depth, on validation images; not the kNN of the test images, whose bank is ten times as
# large.
_probes = (('knn', 'kNN'), ('linear', 'logistic regression'))
_held_out = ' (%, validation images, 5,000 labels)'
measures = [
    dict(
        label='perceptual network f: kNN top-1 (%)',
        stage='perceptual-knn',
        key='knn_top1',
        shared=True,
        arms=['peco', 'lpips-like', 'vq-kd', 'simclr'],
        in_figure=False),
    *(dict(label=label, stage='tokens', key=key, format=form, arms=of_arms, in_figure=in_figure)
      for label, key, form, of_arms, in_figure in (
          ('PSNR (dB)', 'psnr', '.2f', _images, True),
          ('perceptual distance', 'perceptual_distance', '.3f', _images, True),
          ('top-1 of a classifier on reconstructions (%)', 'reconstruction_top1', '.1f', _images,
           True),
          ('codebook usage (%)', 'codebook_usage', '.1f', _tokens, False),
          ('codebook perplexity', 'codebook_perplexity', '.0f', _tokens, False),
          ('token probe, bag of codes (%)', 'token_probe_top1', '.1f', _tokens, True),
          ('token probe, learned embeddings (%)', 'embedding_probe_top1', '.1f', _tokens, True),
      )),
    dict(
        label='MIM token accuracy, last steps (%)',
        stage='pretrain',
        key='token_acc',
        arms=_tokens,
        in_figure=False),
    dict(
        label='kNN top-1, last depth, bank of 50,000 (%)',
        stage='knn',
        key='knn_top1',
        arms=_features),
    dict(
        label='logistic regression, last depth, validation images (%)',
        stage=f'epoch{_epochs[-1]}',
        key='linear_top1_depth6',
        arms=_pretrained),
    dict(
        label='linear probe on augmented crops, best depth, validation images (%)',
        stage='linear',
        key='top1_best_depth',
        arms=_features),
    *(dict(
        label=f'fine-tuned top-1, {labels[:-1]},000 labels (%)',
        stage=f'finetune-{labels}-test',
        key='accuracy/top1',
        format='.2f') for labels in _labels),
    *(dict(
        label=f'{label}, epoch {epoch}',
        stage=f'epoch{epoch}',
        key=f'{kind}_top1_best_depth',
        arms=_features if epoch == _epochs[-1] else _pretrained,
        curve=f'{label}, best depth, by epoch{_held_out}',
        x=epoch) for kind, label in _probes for epoch in _epochs),
    *(dict(
        label=f'{label}, depth {depth}',
        stage=f'epoch{_epochs[-1]}',
        key=f'{kind}_top1_depth{depth}',
        arms=_features if depth <= 4 else _pretrained,
        curve=f'{label} after the last epoch, by depth{_held_out}',
        x=depth) for kind, label in _probes for depth in range(1, 7)),
]

# A few minutes, every stage of every arm; figures mean nothing. Ten class folders of a few images
# are enough (PECO_CIFAR10_DIR).
_few = {'train_dataloader.dataset.num_per_class': 2, 'train_dataloader.batch_size': 10}
_epoch = {**_few, 'train_cfg.max_epochs': 1}
_val = {'val_dataloader.dataset.num_per_class': 2}
_split = {
    f'test_dataloader.dataset.datasets.{part}.num_per_class': 3 for part in (0, 1)
}
smoke = {
    'perceptual': {
        **_epoch, 'train_dataloader.dataset.with_label': True
    },
    'perceptual-knn': _split,
    'classifier': {
        **_epoch, 'train_cfg.val_interval': 1,
        **_val
    },
    'tokenizer': _epoch,
    'tokens': _split,
    'token-cache': _few,
    'pretrain': _few,
    **{f'epoch{epoch}': _split for epoch in _epochs},
    'knn': _split,
    'linear': {
        **_epoch, 'train_cfg.val_interval': 1,
        **_val
    },
    **{
        f'finetune-{labels}': {
            **_epoch, 'train_cfg.val_interval': 1,
            **_val
        } for labels in _labels
    },
    **{
        f'finetune-{labels}-test': {
            'test_dataloader.dataset.num_per_class': 2
        } for labels in _labels
    },
}
