# Weighted kNN on the frozen backbone: no training, only tools/test.py.
_base_ = [
    '../_base_/models/peco_vit-base-p16.py',
    '../_base_/datasets/in1k_bank.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='peco.FeatureExtractor',
    backbone=dict(_base_.backbone, out_type='featmap'),
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True))
test_evaluator = dict(type='peco.KNNMetric', k=20, temperature=0.07)
test_cfg = dict()
