from pathlib import Path

import pytest

from peco.engine.image_folders import image_folder, image_folder_configs, use_test_mode


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


def test_every_folder_of_an_evaluation_gets_test_mode():
    folder = dict(type='peco.ImageFolder', data_root='data')
    loader = dict(dataset=dict(type='RepeatDataset', times=2, dataset=dict(
        type='ConcatDataset', datasets=[dict(folder, test_mode=False), folder,
                                        dict(type='CIFAR10', data_root='data')])))
    use_test_mode(loader)
    first, second, other = loader['dataset']['dataset']['datasets']
    assert first['test_mode'] and second['test_mode'] and 'test_mode' not in other
    assert [key for key, _ in image_folder_configs(loader['dataset'], 'x.dataset')] == [
        'x.dataset.dataset.datasets.0', 'x.dataset.dataset.datasets.1']
