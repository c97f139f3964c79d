# How much the tokens alone tell of the class: a linear classifier on bags of codes.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f16.py',
    '../_base_/models/perceptual-loss_mocov3-vit-base.py',
    '../_base_/datasets/in1k_bank.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _base_.tokenizer,
    perceptual_loss=_base_.perceptual_loss,
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[0., 0., 0.],
        std=[255., 255., 255.],
        to_rgb=True))
# Twenty images of each class: one core fits the classifier in about half an hour.
_bank, _query = _base_.test_dataloader.dataset.datasets
test_dataloader = dict(dataset=dict(datasets=[dict(_bank, num_per_class=20), _query]))
test_evaluator = [
    dict(type='peco.TokenProbe', codebook_size=8192),
    dict(type='peco.ReconstructionMetric', split_role='query'),
    dict(type='peco.CodebookMetric', codebook_size=8192, split_role='query'),
]
test_cfg = dict()
