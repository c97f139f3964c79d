# PeCo on CIFAR-10, door to door: python tools/run_pipeline.py configs/cifar10/pipeline.py
title = 'PeCo on CIFAR-10 (two CPU cores)'
work_dir = 'work_dirs/cifar10'
_c = 'configs/cifar10/'

stages = [
    dict(
        name='perceptual',
        title='perceptual network (SimCLR, no labels)',
        run='train',
        config=_c + 'perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py',
        minutes=18),
    dict(
        name='perceptual-network',
        title='export the perceptual network',
        run='tools/export_perceptual.py',
        args=[
            _c + 'perceptual_simclr-resnet18_b256-coslr-8e_cifar10.py', '{last:perceptual}',
            '{work_dir}/perceptual_network.pth', '--out-indices', '0', '1', '2', '3'
        ],
        makes='{work_dir}/perceptual_network.pth',
        minutes=0.2),
    dict(
        name='perceptual-knn',
        title='kNN of the perceptual network',
        run='test',
        config=_c + 'perceptual-knn_simclr-resnet18_cifar10.py',
        checkpoint='{last:perceptual}',
        minutes=2),
    dict(
        name='tokenizer',
        title='tokenizer (perceptual codebook)',
        run='train',
        config=_c + 'tokenizer_vqgan-f4_b128-coslr-2e_cifar10.py',
        cfg_options={
            'model.perceptual_loss.network.checkpoint': '{work_dir}/perceptual_network.pth'
        },
        minutes=15),
    dict(
        name='tokens',
        title='reconstruction, codebook and token probe on the test images',
        run='test',
        config=_c + 'tokenprobe_vqgan-f4_cifar10.py',
        checkpoint='{last:tokenizer}',
        cfg_options={
            'model.perceptual_loss.network.checkpoint': '{work_dir}/perceptual_network.pth'
        },
        minutes=4),
    dict(
        name='pretrain',
        title='masked image modelling on the tokens',
        run='train',
        config=_c + 'pretrain_vit-micro_b256-coslr-5e_cifar10.py',
        cfg_options={'model.tokenizer_checkpoint': '{last:tokenizer}'},
        minutes=18),
    dict(
        name='knn',
        title='kNN of the pretrained backbone',
        run='test',
        config=_c + 'knn_vit-micro_cifar10.py',
        checkpoint='{last:pretrain}',
        minutes=2),
    dict(
        name='linear',
        title='linear probe at every depth',
        run='train',
        config=_c + 'linear_vit-micro_b256-coslr-20e_cifar10-5k.py',
        cfg_options={'model.backbone.init_cfg.checkpoint': '{last:pretrain}'},
        minutes=3),
    dict(
        name='finetune',
        title='fine-tuning on 5,000 labels',
        run='train',
        config=_c + 'finetune_vit-micro_b128-coslr-15e_cifar10-5k.py',
        cfg_options={'model.backbone.init_cfg.checkpoint': '{last:pretrain}'},
        minutes=3),
    dict(
        name='scratch',
        title='the same from scratch',
        run='train',
        config=_c + 'scratch_vit-micro_b128-coslr-15e_cifar10-5k.py',
        minutes=3),
]

table = dict(
    columns=['PeCo', 'from scratch'],
    rows=[
        dict(
            label='perceptual network: kNN top-1 (%)',
            cells={'PeCo': ('perceptual-knn', 'knn_top1')}),
        dict(label='tokenizer: PSNR (dB)', cells={'PeCo': ('tokens', 'psnr', '.2f')}),
        dict(
            label='tokenizer: perceptual distance',
            cells={'PeCo': ('tokens', 'perceptual_distance', '.3f')}),
        dict(label='codebook usage (%)', cells={'PeCo': ('tokens', 'codebook_usage')}),
        dict(label='codebook perplexity', cells={'PeCo': ('tokens', 'codebook_perplexity', '.0f')}),
        dict(label='token probe top-1 (%)', cells={'PeCo': ('tokens', 'token_probe_top1')}),
        dict(label='MIM token accuracy (%)', cells={'PeCo': ('pretrain', 'token_acc')}),
        dict(label='kNN top-1 (%)', cells={'PeCo': ('knn', 'knn_top1')}),
        dict(
            label='linear top-1, best of 6 depths (%)',
            cells={'PeCo': ('linear', 'top1_best_depth')}),
        dict(
            label='fine-tuned top-1, 5,000 labels (%)',
            cells={
                'PeCo': ('finetune', 'accuracy/top1'),
                'from scratch': ('scratch', 'accuracy/top1')
            }),
    ])
