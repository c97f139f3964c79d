import json
import pickle
from unittest import mock

import numpy as np
import pytest

from peco.token_cache import (
    UNREADABLE,
    VERSION,
    TokenCache,
    TokenCacheWriter,
    id_dtype,
    image_checksum,
)

META = dict(
    version=VERSION, images=3, views=2, grid=[2, 3], codebook_size=70_000, seed=0,
    tokenizer=dict(path='a.pth', fingerprint='f0'), data='d0', pipeline=['Load()', 'Crop(8)'])
IDS = np.arange(36).reshape(3, 2, 2, 3) * 1900
SUMS = np.array([5, 2**32 - 1, 7], np.uint32)
BOXES = np.arange(30).reshape(3, 2, 5) % 2 + np.arange(3)[:, None, None]


@pytest.fixture
def folder(tmp_path):
    TokenCacheWriter.create(tmp_path / 'cache', META)
    return tmp_path / 'cache'


def _write(folder, images):
    writer = TokenCacheWriter(folder)
    images = np.array(images)
    writer.write(images, IDS[images], BOXES[images], SUMS[images])
    writer.flush()


def test_reads_what_was_written(folder):
    _write(folder, [2, 0])
    _write(folder, [1])
    cache = TokenCache(folder)
    assert cache.meta == META and cache.views == 2
    for image in range(3):
        for view in range(2):
            ids = cache.ids(image, view)
            assert ids.dtype == np.int64
            assert np.array_equal(ids, IDS[image, view])
            *box, flip = BOXES[image, view].tolist()
            assert cache.box(image, view) == (*box, bool(flip))
        assert cache.checksum(image) == SUMS[image]


def test_size_is_told_beforehand(folder):
    files = [path for path in folder.iterdir() if path.suffix == '.npy']
    content = sum(np.load(path).nbytes for path in files)
    assert len(files) == 4 and TokenCacheWriter.num_bytes(META) == content
    assert id_dtype(65_536) == np.uint16 and id_dtype(65_537) == np.uint32


def test_an_unfinished_cache_is_refused_and_goes_on(folder):
    _write(folder, [1])
    with pytest.raises(ValueError, match='lacks 2 of 3 images'):
        TokenCache(folder)
    TokenCacheWriter.create(folder, META)  # keeps what is there
    writer = TokenCacheWriter(folder)
    assert writer.missing().tolist() == [0, 2]
    writer.write(np.array([0]), IDS[[0]], BOXES[[0]], SUMS[[0]])
    writer.skip(np.array([2]))
    assert TokenCacheWriter(folder).missing().tolist() == [0, 2]  # not yet on the disk
    writer.flush()
    assert TokenCacheWriter(folder).count(UNREADABLE) == 1
    assert TokenCacheWriter(folder).missing().tolist() == [2]  # a disk may have failed for once
    assert np.array_equal(TokenCache(folder).ids(0, 1), IDS[0, 1])
    assert TokenCache(folder).checksum(2) is None


@pytest.mark.parametrize('key, value, told', [
    ('images', 4, 'number of images was 3, now it is 4'),
    ('views', 3, 'number of views was 2'),
    ('data', 'd1', 'list of files was d0'),
    ('tokenizer', dict(path='a.pth', fingerprint='f1'), 'tokenizer was f0, now it is f1'),
    ('pipeline', ['Crop(8)', 'Load()'], r"was \['Load\(\)', 'Crop\(8\)'\], now it is \['Crop"),
    ('version', 0, 'the format was'),
    ('pipeline', ['Load()', 'Crop(9)'], r"was \['Crop\(8\)'\], now it is \['Crop\(9\)'\]"),
])
def test_another_cache_is_refused(folder, key, value, told):
    with pytest.raises(ValueError, match=told):
        TokenCacheWriter.create(folder, dict(META, **{key: value}))
    _write(folder, [0, 1, 2])
    with pytest.raises(ValueError, match=f'stale: .*{told}'):
        TokenCache(folder).check(**{key: value})


def test_the_tokenizer_may_lie_elsewhere(folder):
    moved = dict(META, tokenizer=dict(path='b.pth', fingerprint='f0'))
    TokenCacheWriter.create(folder, moved)
    _write(folder, [0, 1, 2])
    TokenCache(folder).check(**moved)


def test_refuses_a_folder_of_other_files_and_a_full_disk(tmp_path):
    (tmp_path / 'mine.txt').write_text('x')
    with pytest.raises(ValueError, match='holds other files .mine.txt.'):
        TokenCacheWriter.create(tmp_path, META)
    with mock.patch('shutil.disk_usage', return_value=mock.Mock(free=10)):
        with pytest.raises(ValueError, match='needs .* GiB'):
            TokenCacheWriter.create(tmp_path / 'cache', META)
    with pytest.raises(FileNotFoundError, match='holds no token cache'):
        TokenCache(tmp_path / 'none')


def test_travels_to_other_processes_without_its_content(folder):
    _write(folder, [0, 1, 2])
    cache = TokenCache(folder)
    cache.ids(0, 0)
    copy = pickle.loads(pickle.dumps(cache))
    assert copy._arrays == {}
    assert np.array_equal(copy.ids(2, 1), IDS[2, 1])


def test_checksums_tell_images_of_one_size_apart():
    images = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3)).astype(np.uint8)
    assert image_checksum(images[0]) == image_checksum(images[0].copy())
    assert image_checksum(images[0]) != image_checksum(images[1])
    black = np.zeros((8, 16, 3), np.uint8)
    assert image_checksum(black) != image_checksum(black.reshape(16, 8, 3))


def _edit_meta(folder, **changes):
    path = folder / 'meta.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_another_format_is_refused(folder):
    _write(folder, [0, 1, 2])
    _edit_meta(folder, version=VERSION - 1)
    with pytest.raises(ValueError, match=f'was {VERSION - 1}, now it is {VERSION}'):
        TokenCache(folder)


def test_what_does_not_tell_its_precision_is_of_float32(folder):
    _write(folder, [0, 1, 2])
    assert 'tokenizer_amp' not in META
    TokenCache(folder).check(tokenizer_amp=False)
    with pytest.raises(ValueError, match='was False, now it is True'):
        TokenCache(folder).check(tokenizer_amp=True)
