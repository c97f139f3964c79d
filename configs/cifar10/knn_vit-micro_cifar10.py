# Weighted kNN on the frozen backbone.
_base_ = [
    '../_base_/models/peco_vit-micro-p4.py',
    '../_base_/datasets/cifar10_bank.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='peco.FeatureExtractor',
    backbone=dict(_base_.backbone, out_type='featmap'),
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[125.307, 122.961, 113.8575],
        std=[51.5865, 50.847, 51.255],
        to_rgb=True))
test_evaluator = dict(type='peco.KNNMetric', k=20, temperature=0.07)
test_cfg = dict()
