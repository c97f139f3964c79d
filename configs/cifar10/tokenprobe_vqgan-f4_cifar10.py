# Linear classification from tokens alone, reconstruction and codebook figures on the test images.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f4-small.py',
    '../_base_/models/perceptual-loss_simclr-small.py',
    '../_base_/datasets/cifar10_bank.py',
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
# 1,000 training images a class are bank enough for 1,024 codes.
_bank, _query = _base_.test_dataloader.dataset.datasets
test_dataloader = dict(dataset=dict(datasets=[dict(_bank, num_per_class=1000), _query]))
test_evaluator = [
    dict(type='peco.TokenProbe', codebook_size=1024),
    dict(type='peco.ReconstructionMetric', split_role='query'),
    dict(type='peco.CodebookMetric', codebook_size=1024, split_role='query'),
]
test_cfg = dict()
