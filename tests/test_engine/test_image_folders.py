from pathlib import Path

import pytest

from peco.engine.image_folders import image_folder


@pytest.mark.parametrize('dataset, folder', [
    (dict(type='peco.ImageFolder', data_root='data', data_prefix='train'), 'data/train'),
    (dict(type='ImageFolder', data_root='~/data'), '~/data'),
    (dict(type='peco.ImageFolder', data_prefix='train'), 'train'),
    (dict(type='peco.ImageFolder', data_root='data', ann_file='list.txt'), None),
    (dict(type='peco.ImageFolder', data_root='s3://data'), None),
    (dict(type='peco.ImageFolder', data_root='data', data_prefix=dict(img_path='a')), None),
    (dict(type='peco.ImageFolder'), None),
    (dict(type='CIFAR10', data_root='data'), None),
    (dict(), None),
])
def test_folder_of_a_data_set(dataset, folder):
    assert image_folder(dataset) == (folder and Path(folder))
