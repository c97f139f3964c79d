import hashlib
import pickle

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from tests.test_datasets.test_prepare.test_camvid import write_splits
from tests.test_datasets.test_prepare.test_nuclei import write_sample
from tests.toy_configs import ROOT, run_tool

CLASSES = ['airplane', 'automobile']


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A source of 20 + 4 images, in the layout that torchvision reads and checks."""
    folder = tmp_path / 'downloads' / CIFAR10.base_folder
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)

    def write(name, content):
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return [name, hashlib.md5(data).hexdigest()]

    def batch(count):
        return dict(data=rng.integers(0, 256, (count, 3072), dtype=np.uint8),
                    labels=[index % 2 for index in range(count)])

    train = [write(f'data_batch_{number}', batch(10)) for number in (1, 2)]
    monkeypatch.setattr(CIFAR10, 'train_list', train)
    monkeypatch.setattr(CIFAR10, 'test_list', [write('test_batch', batch(4))])
    _, md5 = write('batches.meta', dict(label_names=CLASSES))
    monkeypatch.setattr(CIFAR10, 'meta', dict(filename='batches.meta', key='label_names', md5=md5))
    return tmp_path / 'downloads'


def test_class_folders_of_both_splits(source, tmp_path, capsys):
    out = tmp_path / 'cifar10'
    assert run_tool('prepare_data', 'cifar10', out, '--source', source) == 0
    for split, count in (('train', 10), ('test', 2)):
        assert {path.name: len([*path.iterdir()]) for path in (out / split).iterdir()} == {
            name: count for name in CLASSES}
    first = np.asarray(Image.open(out / 'test/automobile/0000.png'))
    assert np.array_equal(first, CIFAR10(source, train=False)[1][0])
    assert run_tool('prepare_data', 'cifar10', tmp_path / 'jpeg', '--source', source, '--jpeg') == 0
    assert Image.open(tmp_path / 'jpeg/train/airplane/0009.jpg').format == 'JPEG'
    assert run_tool('prepare_data', 'cifar10', out, '--source', source) == 2
    assert 'is there already' in capsys.readouterr().err


def test_no_source(tmp_path, capsys):
    assert run_tool('prepare_data', 'cifar10', tmp_path / 'out', '--source', tmp_path / 'none') == 2
    error = capsys.readouterr().err
    assert 'holds no whole cifar-10-batches-py' in error and '--download' in error
    assert not (tmp_path / 'out').exists()


def test_nuclei_and_camvid(tmp_path, capsys):
    folder = write_sample(tmp_path / 'stage1_train', 'a' * 64, [(2, 2, 10, 9)])
    write_sample(tmp_path / 'stage1_train', 'b' * 64, [(0, 0, 5, 6), (7, 7, 14, 14)])
    (tmp_path / 'val.txt').write_text('a' * 16 + '\n')
    nuclei = ('prepare_data', 'nuclei', tmp_path / 'nuclei', '--source', folder.parent)
    assert run_tool(*nuclei) == 2
    assert "'0280fa8f60f6bcae' first" in capsys.readouterr().err
    assert not (tmp_path / 'nuclei').exists()
    assert run_tool(*nuclei, '--val-images', tmp_path / 'val.txt') == 0
    assert 'nuclei: 2 images' in capsys.readouterr().out
    assert (tmp_path / f'nuclei/val/{"a" * 16}.png').is_file()
    assert run_tool(*nuclei, '--val-images', tmp_path / 'no.txt') == 2
    assert run_tool('prepare_data', 'nuclei', tmp_path, '--source', folder.parent) == 2
    assert 'lies in' in capsys.readouterr().err

    source = write_splits(tmp_path / 'CamVid')
    camvid = ('prepare_data', 'camvid', tmp_path / 'camvid', '--source')
    assert run_tool(*camvid, source) == 0
    assert run_tool(*camvid, source) == 2
    assert 'is there already' in capsys.readouterr().err
    assert run_tool(*camvid, tmp_path) == 2


def test_the_split_that_the_documentation_measured():
    names = (ROOT / 'configs/nuclei/val_images.txt').read_text().split()
    assert len(names) == len(set(names)) == 129
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)
