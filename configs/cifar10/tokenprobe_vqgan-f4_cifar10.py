# Linear classification from tokens alone, reconstruction and codebook figures on the test images.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f4-small.py',
    '../_base_/datasets/cifar10_bank.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _base_.tokenizer,
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[0., 0., 0.],
        std=[255., 255., 255.],
        to_rgb=True))
test_evaluator = dict(type='peco.TokenProbe', codebook_size=1024)
test_cfg = dict()
