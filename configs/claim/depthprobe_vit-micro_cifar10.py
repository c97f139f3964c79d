# kNN and logistic regression at every depth on images held out of the training images: 5,000
# labels, 5,000 images to classify. For watching epochs; no test image is touched.
_base_ = '../cifar10/knn_vit-micro_cifar10.py'

model = dict(
    every_depth=True,
    backbone=dict(out_type='avg_featmap', out_indices=tuple(range(6)), final_norm=False))
_bank, _query = _base_.test_dataloader.dataset.datasets
test_dataloader = dict(
    dataset=dict(datasets=[
        dict(_bank, num_per_class=500, holdout=dict(fraction=0.1, part='train')),
        dict(
            _query,
            data_root=_base_.train_dir,
            holdout=dict(fraction=0.1, part='val')),
    ]))
test_evaluator = dict(_delete_=True, type='peco.DepthProbe')
