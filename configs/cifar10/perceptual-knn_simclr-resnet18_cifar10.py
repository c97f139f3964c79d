# Quality of the perceptual network: weighted kNN on its pooled last features.
_base_ = ['../_base_/datasets/cifar10_bank.py', '../_base_/default_runtime.py']

model = dict(
    type='peco.FeatureExtractor',
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(2, 2, 2, 1),
        out_indices=(3, )),
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[125.307, 122.961, 113.8575],
        std=[51.5865, 50.847, 51.255],
        to_rgb=True))
test_evaluator = dict(type='peco.KNNMetric', k=20, temperature=0.07)
test_cfg = dict()
