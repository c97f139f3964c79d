# The tokens of VQ-KD on images held out of the training images.
_base_ = 'tokenprobe-vq-kd_vqgan-f4_cifar10.py'

_bank, _query = _base_.test_dataloader.dataset.datasets
test_dataloader = dict(
    dataset=dict(datasets=[
        dict(_bank, holdout=dict(fraction=0.1, part='train')),
        dict(
            _query,
            data_root=_base_.train_dir,
            holdout=dict(fraction=0.1, part='val')),
    ]))
