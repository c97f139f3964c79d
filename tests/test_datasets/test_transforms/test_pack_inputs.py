import numpy as np
import torch

from peco.datasets.transforms import PackInputs


def test_mask_label_crop_and_role_are_packed():
    packed = PackInputs()(dict(
        img=np.zeros((8, 6, 3), np.uint8), mask=np.ones((2, 2), np.uint8), gt_label=3,
        crop_box=(1, 2, 3, 4), flip=True, img_path='a.png', split_role='bank', sample_idx=5))
    sample = packed['data_samples']
    assert packed['inputs'].shape == (3, 8, 6) and packed['inputs'].dtype == torch.uint8
    assert sample.mask.dtype == torch.uint8 and sample.mask.shape == (2, 2)
    assert sample.gt_label.tolist() == [3]
    assert sample.crop_box == (1, 2, 3, 4) and sample.flip is True
    assert sample.img_path == 'a.png' and sample.split_role == 'bank' and sample.sample_idx == 5
    assert sample.to_dict()['split_role'] == 'bank'


def test_two_views_and_ids_of_a_cache():
    views = [np.zeros((8, 8, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)]
    packed = PackInputs(algorithm_keys=['token_ids'])(dict(img=views, token_ids=np.arange(4)))
    assert [tuple(view.shape) for view in packed['inputs']] == [(3, 8, 8), (3, 4, 4)]
    assert packed['data_samples'].token_ids.tolist() == [0, 1, 2, 3]
