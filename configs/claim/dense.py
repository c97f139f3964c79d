# Detection and segmentation: box and mask AP on nuclei, mIoU on CamVid. Four hours of two
# cores; dense-nuclei.py and dense-camvid.py are one set of images each, in the same folder:
# python tools/reproduce_claim.py --study configs/claim/dense.py --study-dir DIR --jobs 2
title = 'A perceptual codebook beside a pixel codebook in dense tasks (128-256 px)'
work_dir = 'work_dirs/claim/dense'
arms = ['scratch', 'pixel', 'pixel-x8', 'peco']
seeds = 2
step_seconds = 0.65  # an AVX-512 core, bfloat16
references = ['pixel', 'pixel-x8']
# scratch: no pretraining, at the rates of configs/nuclei and configs/camvid. pixel-x8: about the
# size of peco's whole loss, as pixel-x50 on CIFAR-10. Learning rates of the tokenizers: the best
# of three for pixel and for peco (dense-tuning.py).
_tokens = ['pixel', 'pixel-x8', 'peco']
_pixel = {
    'lambda': '0.',
    'pixel-weight': '10.',
    'lr-nuclei': '1e-3',
    'lr-camvid': '2e-3',
    'backbone': 'peco'
}
names = {
    'scratch': {
        'backbone': 'scratch'
    },
    'pixel': _pixel,
    'pixel-x8': {
        **_pixel, 'pixel-weight': '80.'
    },
    'peco': {
        **_pixel, 'lambda': '1.',
        'lr-nuclei': '5e-4'
    }
}

_folder = {data: f'configs/{data}/' for data in ('nuclei', 'camvid')}
_perceptual = {
    data: f'{folder}perceptual_simclr-resnet18_b64-coslr-10e_{data}.py'
    for data, folder in _folder.items()
}
_tokenizer = {
    data: f'{folder}tokenizer_vqgan-f8_b16-coslr-8e_{data}.py'
    for data, folder in _folder.items()
}
_task = {
    'nuclei': ('Mask R-CNN', 'mask-rcnn_{backbone}-vit-micro_b4-coslr-4e_nuclei.py'),
    'camvid': ('UperNet', 'upernet_{backbone}-vit-micro_b8-500it_camvid-256x256.py')
}
_seed = {'randomness.seed': '{seed}'}
_network = {
    data: {
        'model.perceptual_loss.network.checkpoint': f'{{work_dir}}/{data}/network.pth'
    } for data in _folder
}

# One perceptual network for each set of images.
shared = [
    stage for data in _folder for stage in (
        dict(
            name=f'{data}/perceptual',
            title=f'{data}: perceptual network (SimCLR, no labels)',
            run='train',
            config=_perceptual[data],
            minutes=16),
        dict(
            name=f'{data}/perceptual-network',
            title=f'{data}: export the perceptual network',
            run='tools/export_perceptual.py',
            args=[
                _perceptual[data], f'{{last:{data}/perceptual}}',
                f'{{work_dir}}/{data}/network.pth', '--out-indices', '0', '1', '2', '3'
            ],
            makes=f'{{work_dir}}/{data}/network.pth',
            minutes=0.2),
    )
]

stages = [
    stage for data, folder in _folder.items() for stage in (
        dict(
            name=f'{data}-tokenizer',
            title=f'{data}: tokenizer',
            arms=_tokens,
            run='train',
            config=_tokenizer[data],
            cfg_options={
                **_seed,
                **_network[data], 'model.perceptual_loss.weight': '{lambda}',
                'model.pixel_loss.weight': '{pixel-weight}',
                'optim_wrapper.optimizer.lr': f'{{lr-{data}}}'
            },
            minutes=14),
        dict(
            name=f'{data}-tokens',
            title=f'{data}: what the tokens keep',
            arms=_tokens,
            run='test',
            config=_tokenizer[data],
            checkpoint=f'{{last:{{run}}/{data}-tokenizer}}',
            cfg_options=_network[data],
            minutes=0.5),
        dict(
            name=f'{data}-pretrain',
            title=f'{data}: masked image modelling',
            arms=_tokens,
            run='train',
            config=f'{folder}pretrain_vit-micro_b64-coslr-12e_{data}.py',
            cfg_options={
                **_seed, 'model.tokenizer_checkpoint': f'{{last:{{run}}/{data}-tokenizer}}'
            },
            minutes=35),
        *(dict(
            name=f'{data}-finetune',
            title=f'{data}: {_task[data][0]}',
            arms=of_arms,
            run='train',
            config=folder + _task[data][1],
            args=['--no-validate'],
            cfg_options={
                **_seed,
                **options
            },
            minutes=14) for of_arms, options in ((['scratch'], {}), (_tokens, {
                'model.backbone.init_cfg.checkpoint': f'{{last:{{run}}/{data}-pretrain}}'
            }))),
        dict(
            name=f'{data}-test',
            title=f'{data}: {_task[data][0]} on test images',
            run='test',
            config=folder + _task[data][1],
            checkpoint=f'{{last:{{run}}/{data}-finetune}}',
            minutes=2),
    )
]

measures = [
    *(dict(
        label=f'{name}: {label}',
        stage=f'{data}-{stage}',
        key=key,
        format=form,
        arms=_tokens,
        in_figure=in_figure) for data, name in (('nuclei', 'nuclei'), ('camvid', 'CamVid'))
      for label, stage, key, form, in_figure in (
            ('PSNR (dB)', 'tokens', 'psnr', '.2f', True),
            ('perceptual distance', 'tokens', 'perceptual_distance', '.3f', True),
            ('codebook perplexity', 'tokens', 'codebook_perplexity', '.0f', False),
            ('MIM token accuracy, last steps (%)', 'pretrain', 'token_acc', '.1f', False),
        )),
    *(dict(
        label=f'nuclei: {label} (%)',
        stage='nuclei-test',
        key=f'coco/{key}_mAP',
        scale=100.) for label, key in (('box AP', 'bbox'), ('mask AP', 'segm'))),
    dict(label='CamVid: mIoU (%)', stage='camvid-test', key='mIoU', format='.2f'),
]

# A few minutes: an epoch of one region an image, a few steps. Figures mean nothing.
_epoch = {'train_cfg.max_epochs': 1, 'train_dataloader.dataset.times': 1}
_few = {'test_dataloader.dataset.indices': 4}
smoke = {
    **{
        f'{data}{name}': _epoch
        for data in _folder for name in ('/perceptual', '-tokenizer', '-pretrain')
    },
    'nuclei-finetune': {
        'train_cfg.max_epochs': 1,
        'train_dataloader.dataset.indices': 12
    },
    'camvid-finetune': {
        'train_cfg.max_iters': 3
    },
    **{f'{data}-test': _few for data in _folder},
}
