# Entropy of the tokens of the 8 images, which the pretraining loss has to beat.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f16.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _base_.tokenizer,
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor', mean=[0., 0., 0.], std=[255., 255., 255.], to_rgb=True))
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='peco.ImageFolder',
        data_root='data/imagenet_samples',
        with_label=False,
        indices=8,
        pipeline=[
            dict(type='peco.LoadImage'),
            dict(type='peco.CenterCropBox'),
            dict(type='peco.CropAndResize', size=224),
            dict(type='PackInputs'),
        ]))
test_evaluator = dict(type='peco.CodebookMetric', codebook_size=8192)
test_cfg = dict()
