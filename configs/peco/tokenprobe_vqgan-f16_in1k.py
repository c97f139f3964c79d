# How much the tokens alone tell of the class: a linear classifier on bags of codes.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f16.py',
    '../_base_/datasets/in1k_bank.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _base_.tokenizer,
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[0., 0., 0.],
        std=[255., 255., 255.],
        to_rgb=True))
test_evaluator = dict(type='peco.TokenProbe', codebook_size=8192)
test_cfg = dict()
