# Full-size models for a few steps on 1,000 ImageNet images:
# python tools/run_pipeline.py configs/imagenet_samples/pipeline.py
title = 'Full-size models at 224 px, a few steps'
work_dir = 'work_dirs/imagenet_samples'
_c = 'configs/imagenet_samples/'

stages = [
    dict(
        name='tokenizer',
        title='f16 tokenizer, K = 8192: 32 steps of 4 images',
        run='train',
        config=_c + 'tokenizer_vqgan-f16_b4-amp-32it_samples.py',
        minutes=9),
    dict(
        name='entropy',
        title='entropy of the tokens of 8 images',
        run='test',
        config=_c + 'entropy_vqgan-f16_8_samples.py',
        checkpoint='{last:tokenizer}',
        minutes=0.3),
    dict(
        name='pretrain',
        title='ViT-B: 60 steps on the same 8 images',
        run='train',
        config=_c + 'pretrain_vitb_overfit8-amp-60it_samples.py',
        cfg_options={'model.tokenizer_checkpoint': '{last:tokenizer}'},
        minutes=7),
]

table = dict(
    columns=['tokenizer', 'pretraining'],
    rows=[
        dict(
            label='last loss',
            cells={
                'tokenizer': ('tokenizer', 'loss', '.3f'),
                'pretraining': ('pretrain', 'loss', '.3f')
            }),
        dict(
            label='entropy of the 8 images\' tokens (nats)',
            cells={'pretraining': ('entropy', 'codebook_entropy', '.2f')}),
        dict(
            label='token accuracy (%)', cells={'pretraining': ('pretrain', 'token_acc')}),
        dict(
            label='seconds a step',
            cells={
                'tokenizer': ('tokenizer', 'time', '.2f'),
                'pretraining': ('pretrain', 'time', '.2f')
            }),
        dict(
            label='peak memory (MiB)',
            cells={
                'tokenizer': ('tokenizer', 'peak_mib', '.0f'),
                'pretraining': ('pretrain', 'peak_mib', '.0f')
            }),
    ])
