# From images without labels to a dense task: the same recipe from the pretrained backbone and
# from scratch, two seeds each. A study says in ``names`` what the words in braces stand for, and
# adds its measures to the table and its steps to ``smoke``.
_c = 'configs/{data}/'
_perceptual = _c + 'perceptual_simclr-resnet18_b64-coslr-10e_{data}.py'
_tokenizer = _c + 'tokenizer_vqgan-f8_b16-coslr-8e_{data}.py'
_network = {'model.perceptual_loss.network.checkpoint': '{work_dir}/perceptual_network.pth'}
_arms = {
    'finetune': ('{task} from the pretrained backbone', _c + '{finetune}.py',
                 {'model.backbone.init_cfg.checkpoint': '{last:pretrain}'}),
    'scratch': ('the same from scratch', _c + '{scratch}.py', {}),
}

stages = [
    dict(
        name='perceptual',
        title='perceptual network (SimCLR, no labels)',
        run='train',
        config=_perceptual,
        minutes=16),
    dict(
        name='perceptual-network',
        title='export the perceptual network',
        run='tools/export_perceptual.py',
        args=[
            _perceptual, '{last:perceptual}', '{work_dir}/perceptual_network.pth',
            '--out-indices', '0', '1', '2', '3'
        ],
        makes='{work_dir}/perceptual_network.pth',
        minutes=0.2),
    dict(
        name='tokenizer',
        title='tokenizer (perceptual codebook)',
        run='train',
        config=_tokenizer,
        cfg_options=_network,
        minutes=22),
    dict(
        name='tokens',
        title='reconstruction and codebook on other images',
        run='test',
        config=_tokenizer,
        checkpoint='{last:tokenizer}',
        cfg_options=_network,
        minutes=0.5),
    dict(
        name='pretrain',
        title='masked image modelling on the tokens',
        run='train',
        config=_c + 'pretrain_vit-micro_b64-coslr-12e_{data}.py',
        cfg_options={'model.tokenizer_checkpoint': '{last:tokenizer}'},
        minutes=42),
]
for _seed in (0, 1):
    for _arm, (_title, _config, _options) in _arms.items():
        stages.append(
            dict(
                name=f'{_arm}-{_seed}',
                title=f'{_title}, seed {_seed}',
                run='train',
                config=_config,
                args=['--no-validate'],
                cfg_options={**_options, 'randomness.seed': _seed},
                minutes=22))
        stages.append(
            dict(
                name=f'{_arm}-{_seed}-test',
                title=f'{_title}, seed {_seed}: {{images}} images',
                run='test',
                config=_config,
                checkpoint=f'{{last:{_arm}-{_seed}}}',
                args=[
                    '--show-dir', f'{{work_dir}}/{_arm}-{_seed}-test/pictures', '--show-limit',
                    '20'
                ],
                minutes=2))

table = dict(
    columns=['PeCo', 'from scratch'],
    rows=[
        dict(label='tokenizer: PSNR (dB)', cells={'PeCo': ('tokens', 'psnr', '.2f')}),
        dict(
            label='tokenizer: perceptual distance',
            cells={'PeCo': ('tokens', 'perceptual_distance', '.3f')}),
        dict(label='codebook usage (%)', cells={'PeCo': ('tokens', 'codebook_usage')}),
        dict(label='codebook perplexity', cells={'PeCo': ('tokens', 'codebook_perplexity', '.0f')}),
        dict(label='MIM token accuracy (%)', cells={'PeCo': ('pretrain', 'token_acc')}),
    ])

# A few minutes: an epoch of one region an image, and a few steps of the task. Figures mean nothing.
_epoch = {'train_cfg.max_epochs': 1, 'train_dataloader.dataset.times': 1}
_few = {'test_dataloader.dataset.indices': 4}
smoke = {
    **{name: dict(cfg_options=_epoch) for name in ('perceptual', 'tokenizer', 'pretrain')},
    **{f'{arm}-{seed}-test': dict(cfg_options=_few) for arm in _arms for seed in (0, 1)},
}
