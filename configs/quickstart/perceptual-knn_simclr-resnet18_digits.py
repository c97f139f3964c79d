_base_ = '../cifar10/perceptual-knn_simclr-resnet18_cifar10.py'

model = dict(backbone=dict(stem_channels=16, base_channels=16))
_bank, _query = _base_.test_dataloader.dataset.datasets
test_dataloader = dict(
    dataset=dict(datasets=[
        dict(_bank, data_root='data/quickstart/train'),
        dict(_query, data_root='data/quickstart/test'),
    ]))
