# All of PeCo on handwritten digits in minutes: bash tools/quickstart.sh
title = 'PeCo quickstart: handwritten digits on boards, 100 labels a class'
work_dir = 'work_dirs/quickstart'
_c = 'configs/quickstart/'
_perceptual = _c + 'perceptual_simclr-resnet18_b64-coslr-6e_digits.py'
_network = {'model.perceptual_loss.network.checkpoint': '{work_dir}/perceptual_network.pth'}
_pretrained = {'model.backbone.init_cfg.checkpoint': '{last:pretrain}'}

stages = [
    dict(
        name='perceptual',
        title='perceptual network (SimCLR, no labels)',
        run='train',
        config=_perceptual,
        minutes=1.0),
    dict(
        name='perceptual-network',
        title='export the perceptual network',
        run='tools/export_perceptual.py',
        args=[
            _perceptual, '{last:perceptual}', '{work_dir}/perceptual_network.pth',
            '--out-indices', '0', '1', '2', '3'
        ],
        makes='{work_dir}/perceptual_network.pth',
        minutes=0.1),
    dict(
        name='perceptual-knn',
        title='kNN of the perceptual network',
        run='test',
        config=_c + 'perceptual-knn_simclr-resnet18_digits.py',
        checkpoint='{last:perceptual}',
        minutes=0.2),
    dict(
        name='tokenizer',
        title='tokenizer with the perceptual loss',
        run='train',
        config=_c + 'tokenizer_vqgan-f4_b32-coslr-3e_digits.py',
        cfg_options=_network,
        minutes=1.5),
    dict(
        name='tokenizer-pixel',
        title='the same without it (lambda = 0)',
        run='train',
        config=_c + 'tokenizer_vqgan-f4-pixel_b32-coslr-3e_digits.py',
        cfg_options=_network,
        minutes=1.0),
    dict(
        name='tokens',
        title='what the tokens keep',
        run='test',
        config=_c + 'tokenprobe_vqgan-f4_digits.py',
        checkpoint='{last:tokenizer}',
        cfg_options=_network,
        minutes=0.4),
    dict(
        name='tokens-pixel',
        title='what the tokens keep, lambda = 0',
        run='test',
        config=_c + 'tokenprobe_vqgan-f4_digits.py',
        checkpoint='{last:tokenizer-pixel}',
        cfg_options=_network,
        minutes=0.4),
    dict(
        name='pretrain',
        title='masked image modelling on the tokens',
        run='train',
        config=_c + 'pretrain_vit-micro_b64-coslr-6e_digits.py',
        cfg_options={'model.tokenizer_checkpoint': '{last:tokenizer}'},
        minutes=1.0),
    dict(
        name='knn',
        title='kNN of the pretrained backbone',
        run='test',
        config=_c + 'knn_vit-micro_digits.py',
        checkpoint='{last:pretrain}',
        minutes=0.2),
    dict(
        name='linear',
        title='linear probe at every depth',
        run='train',
        config=_c + 'linear_vit-micro_b256-coslr-20e_digits.py',
        cfg_options=_pretrained,
        minutes=0.5),
    dict(
        name='finetune',
        title='fine-tuning',
        run='train',
        config=_c + 'finetune_vit-micro_b32-coslr-16e_digits.py',
        cfg_options=_pretrained,
        minutes=0.8),
    dict(
        name='scratch',
        title='the same budget from scratch',
        run='train',
        config=_c + 'scratch_vit-micro_b32-coslr-16e_digits.py',
        minutes=0.8),
    dict(
        name='detect',
        title='Mask R-CNN on scenes',
        run='train',
        config=_c + 'mask-rcnn_peco-vit-micro_b8-coslr-2e_digits.py',
        cfg_options=_pretrained,
        needs=['mmdet'],
        minutes=0.9),
    dict(
        name='segment',
        title='UperNet on scenes',
        run='train',
        config=_c + 'upernet_peco-vit-micro_b8-60it_digits-64x64.py',
        cfg_options=_pretrained,
        needs=['mmseg'],
        minutes=0.6),
    dict(
        name='pictures',
        title='pictures',
        run='tools/draw_pictures.py',
        args=[
            _c + 'pretrain_vit-micro_b64-coslr-6e_digits.py', '{last:pretrain}',
            '--tokenizer-checkpoint', '{last:tokenizer}', '--images', 'data/quickstart/test',
            '--out', '{work_dir}/pictures.png'
        ],
        makes='{work_dir}/pictures.png',
        minutes=0.1),
]

table = dict(
    columns=['PeCo', 'lambda = 0', 'from scratch'],
    rows=[
        dict(
            label='perceptual network: kNN top-1 (%)',
            cells={'PeCo': ('perceptual-knn', 'knn_top1')}),
        dict(
            label='reconstruction PSNR (dB)',
            cells={
                'PeCo': ('tokens', 'psnr', '.2f'),
                'lambda = 0': ('tokens-pixel', 'psnr', '.2f')
            }),
        dict(
            label='perceptual distance',
            cells={
                'PeCo': ('tokens', 'perceptual_distance', '.3f'),
                'lambda = 0': ('tokens-pixel', 'perceptual_distance', '.3f')
            }),
        dict(
            label='codebook usage (%)',
            cells={
                'PeCo': ('tokens', 'codebook_usage'),
                'lambda = 0': ('tokens-pixel', 'codebook_usage')
            }),
        dict(
            label='codebook perplexity',
            cells={
                'PeCo': ('tokens', 'codebook_perplexity', '.0f'),
                'lambda = 0': ('tokens-pixel', 'codebook_perplexity', '.0f')
            }),
        dict(
            label='token probe top-1 (%)',
            cells={
                'PeCo': ('tokens', 'token_probe_top1'),
                'lambda = 0': ('tokens-pixel', 'token_probe_top1')
            }),
        dict(label='MIM token accuracy (%)', cells={'PeCo': ('pretrain', 'token_acc')}),
        dict(
            label='fine-tuned top-1 (%)',
            cells={
                'PeCo': ('finetune', 'accuracy/top1'),
                'from scratch': ('scratch', 'accuracy/top1')
            }),
        dict(
            label='linear top-1, best of 6 depths (%)',
            cells={'PeCo': ('linear', 'top1_best_depth')}),
        dict(label='kNN top-1 (%)', cells={'PeCo': ('knn', 'knn_top1')}),
        dict(
            label='Mask R-CNN on scenes: box AP',
            cells={'PeCo': ('detect', 'coco/bbox_mAP', '.3f')}),
        dict(
            label='Mask R-CNN on scenes: mask AP',
            cells={'PeCo': ('detect', 'coco/segm_mAP', '.3f')}),
        dict(label='UperNet on scenes: mIoU (%)', cells={'PeCo': ('segment', 'mIoU')}),
    ])

# One minute: one epoch of a few images each. Figures mean nothing, paths are all walked.
_epoch = {'train_cfg.max_epochs': 1}
_train = {**_epoch, 'train_dataloader.dataset.num_per_class': 32}
_unlabelled = {**_train, 'train_dataloader.dataset.with_label': True}
_bank = {
    'test_dataloader.dataset.datasets.0.num_per_class': 20,
    'test_dataloader.dataset.datasets.1.num_per_class': 10
}
smoke = {
    'perceptual': dict(cfg_options=_unlabelled),
    'perceptual-knn': dict(cfg_options=_bank),
    'tokenizer': dict(cfg_options=_unlabelled),
    'tokenizer-pixel': dict(cfg_options=_unlabelled),
    'tokens': dict(cfg_options=_bank),
    'tokens-pixel': dict(cfg_options=_bank),
    'pretrain': dict(cfg_options=_unlabelled),
    'knn': dict(cfg_options=_bank),
    'linear': dict(cfg_options={**_train, 'train_cfg.val_interval': 1}),
    'finetune': dict(cfg_options={**_train, 'train_cfg.val_interval': 1}),
    'scratch': dict(cfg_options={**_train, 'train_cfg.val_interval': 1}),
    'detect':
    dict(
        cfg_options={
            **_epoch, 'train_cfg.val_interval': 1,
            'train_dataloader.dataset.indices': 16,
            'val_dataloader.dataset.indices': 8
        }),
    'segment':
    dict(
        cfg_options={
            'train_cfg.max_iters': 2,
            'train_cfg.val_interval': 2,
            'val_dataloader.dataset.indices': 8
        }),
}
