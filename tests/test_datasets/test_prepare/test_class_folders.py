import numpy as np
import pytest
from PIL import Image

from peco.datasets import ImageFolder
from peco.datasets.prepare import write_class_folders


class Images(list):
    classes = ['cat', 'dog']


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    return Images((Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)), label)
                  for label in (1, 0, 1))


def test_every_pixel_is_in_the_folder_of_its_class(dataset, tmp_path):
    assert [*write_class_folders(dataset, tmp_path / 'train')] == [1, 2, 3]
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*.png'))
    assert names == ['train/cat/0000.png', 'train/dog/0000.png', 'train/dog/0001.png']
    for name, index in zip(names, (1, 0, 2), strict=True):
        found = np.asarray(Image.open(tmp_path / name))
        assert np.array_equal(found, np.asarray(dataset[index][0]))
    assert ImageFolder(str(tmp_path / 'train')).CLASSES == ('cat', 'dog')


def test_what_an_interrupted_call_left_is_written_again(dataset, tmp_path):
    out = tmp_path / 'train'
    writing = write_class_folders(dataset, out)
    next(writing)
    del writing
    assert not out.exists()
    assert len([*write_class_folders(dataset, out)]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ['train']
    with pytest.raises(FileExistsError, match='name another folder'):
        next(write_class_folders(dataset, out))
