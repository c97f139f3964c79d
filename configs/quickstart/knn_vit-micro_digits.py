_base_ = '../cifar10/knn_vit-micro_cifar10.py'

model = dict(backbone=dict(abs_pos_embed=True))
_bank, _query = _base_.test_dataloader.dataset.datasets
test_dataloader = dict(
    dataset=dict(datasets=[
        dict(_bank, data_root='data/quickstart/train'),
        dict(_query, data_root='data/quickstart/test'),
    ]))
