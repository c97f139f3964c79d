import os

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

import peco.datasets  # noqa: F401
from peco.datasets import ImageFolder, UnreadableImageError
from peco.registry import DATASETS

PIPELINE = [
    dict(type='peco.LoadImage'),
    dict(type='peco.RandomCropBox', scale=(0.5, 1.)),
    dict(type='peco.CropAndResize', size=16, tokenizer_size=8),
    dict(type='peco.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type='peco.BlockwiseMask', grid_size=4, num_masked=6, min_patches=2),
    dict(type='peco.PackInputs'),
]
LOAD = [dict(type='peco.LoadImage'), dict(type='peco.PackInputs')]


def _image(path, value=0, size=(20, 24)):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))
    return str(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes of four images: cat/0.png ... dog/3.png."""
    for c, name in enumerate(('cat', 'dog')):
        for i in range(4):
            _image(tmp_path / name / f'{i}.png', 100 * c + i)
    return tmp_path


def _paths(dataset):
    return [os.path.relpath(dataset.get_data_info(i)['img_path'], dataset.img_prefix)
            for i in range(len(dataset))]


def test_class_folders(folder):
    dataset = ImageFolder(str(folder))
    assert dataset.metainfo['classes'] == ('cat', 'dog')
    assert _paths(dataset)[:2] == ['cat/0.png', 'cat/1.png'] and len(dataset) == 8
    assert dataset.get_gt_labels().tolist() == [0] * 4 + [1] * 4


def test_flat_and_nested_folders_without_labels(tmp_path):
    for name in ('a.PNG', 'b.JPEG', 'deep/er/c.webp', 'd.tiff', 'e.Jpg'):
        _image(tmp_path / name)
    (tmp_path / 'notes.txt').write_text('no image')
    (tmp_path / '.hidden.png').write_text('no image')
    dataset = ImageFolder(str(tmp_path), with_label=False)
    assert sorted(_paths(dataset)) == ['a.PNG', 'b.JPEG', 'd.tiff', 'deep/er/c.webp', 'e.Jpg']
    assert 'gt_label' not in dataset.get_data_info(0)


def test_annotation_file(folder):
    (folder / 'list.txt').write_text('dog/1.png 1\n\ncat/0.png 0\n')
    dataset = ImageFolder(str(folder), ann_file='list.txt')
    assert _paths(dataset) == ['dog/1.png', 'cat/0.png']
    assert dataset.get_gt_labels().tolist() == [1, 0]
    (folder / 'names.txt').write_text('dog/1.png\nfile with blanks.png\n')
    dataset = ImageFolder(str(folder), ann_file='names.txt', with_label=False)
    assert _paths(dataset) == ['dog/1.png', 'file with blanks.png']
    with pytest.raises(ValueError, match='names.txt, line 1: expected "path label"'):
        ImageFolder(str(folder), ann_file='names.txt')
    with pytest.raises(FileNotFoundError, match='missing.txt does not exist'):
        ImageFolder(str(folder), ann_file='missing.txt')


def test_subsets(folder):
    train = ImageFolder(str(folder), holdout=dict(fraction=0.25, part='train'))
    val = ImageFolder(str(folder), holdout=dict(fraction=0.25, part='val'))
    assert len(train) == 6 and len(val) == 2
    assert sorted(_paths(train) + _paths(val)) == _paths(ImageFolder(str(folder)))
    few = ImageFolder(str(folder), holdout=dict(fraction=0.25, part='train'), num_per_class=2)
    assert set(_paths(few)) < set(_paths(train)) and few.get_gt_labels().tolist() == [0, 0, 1, 1]
    again = ImageFolder(str(folder), holdout=dict(fraction=0.25, part='train'), num_per_class=2)
    assert _paths(few) == _paths(again)
    with pytest.raises(ValueError, match='num_per_class needs with_label'):
        ImageFolder(str(folder), with_label=False, num_per_class=2)
    unlabelled = ImageFolder(str(folder), with_label=False, holdout=dict(fraction=0.5, part='val'))
    assert len(unlabelled) == 4


def test_the_seed_chooses_the_images(folder):
    choices = {tuple(_paths(ImageFolder(str(folder), num_per_class=2, seed=seed)))
               for seed in range(5)}
    assert len(choices) > 1


def test_the_order_of_the_file_system_does_not_matter(folder, monkeypatch):
    kwargs = dict(data_root=str(folder), num_per_class=2, seed=3)
    expected = _paths(ImageFolder(**kwargs))
    real = os.scandir

    class Reversed:

        def __init__(self, path):
            self.entries = sorted(real(path), key=lambda e: e.name, reverse=True)

        def __enter__(self):
            return iter(self.entries)

        def __iter__(self):
            return iter(self.entries)

        def __exit__(self, *args):
            pass

    monkeypatch.setattr(os, 'scandir', Reversed)
    assert _paths(ImageFolder(**kwargs)) == expected


def test_split_role_reaches_the_sample(folder):
    dataset = ImageFolder(str(folder), split_role='bank', pipeline=LOAD, test_mode=True)
    assert dataset[0]['data_samples'].split_role == 'bank'
    assert 'split_role' not in ImageFolder(str(folder), pipeline=LOAD)[0]['data_samples']
    with pytest.raises(ValueError, match="split_role must be 'bank'"):
        ImageFolder(str(folder), split_role='banks')


def test_a_missing_folder_is_named_with_the_override(tmp_path):
    root = str(tmp_path / 'imagenet')
    with pytest.raises(FileNotFoundError) as error:
        ImageFolder(root, 'train')
    assert os.path.join(root, 'train') in str(error.value)
    assert 'set data_root of this data set in the config' in str(error.value)
    assert f'now data_root={root!r}' in str(error.value)
    # A hook's data set, or one inside another: it does not know its key.
    assert 'dataloader' not in str(error.value)
    # The registry keeps the kind of the error and its text.
    with pytest.raises(FileNotFoundError, match='does not exist'):
        DATASETS.build(dict(type='peco.ImageFolder', data_root=root))


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / 'cat').mkdir()
    (tmp_path / 'cat' / 'notes.txt').write_text('')
    for with_label in (True, False):
        with pytest.raises(ValueError, match=f'no image in {tmp_path} .*data_root'):
            ImageFolder(str(tmp_path), with_label=with_label)


def test_a_flat_folder_with_labels_gets_the_one_override(tmp_path):
    _image(tmp_path / 'a.png')
    with pytest.raises(ValueError, match='1 images but no class folders.*'
                       'set with_label=False of this data set'):
        ImageFolder(str(tmp_path))


def test_class_names_must_fit_the_folders(folder):
    with pytest.raises(ValueError, match='2 class folders, but 3 classes'):
        ImageFolder(str(folder), metainfo=dict(classes=('a', 'b', 'c')))
    with pytest.raises(ValueError, match='needs a data_root'):
        ImageFolder()


def test_an_unreadable_image_among_many_is_replaced(folder):
    (folder / 'cat' / '0.png').write_bytes(b'broken')
    dataset = ImageFolder(str(folder), pipeline=LOAD)
    np.random.seed(0)
    seen = {dataset[0]['data_samples'].img_path for _ in range(30)}
    assert not any(path.endswith('cat/0.png') for path in seen)
    assert len(seen) > 3  # replaced at random
    loader = dataset.pipeline.transforms[0]
    assert list(loader.failures) == [str(folder / 'cat' / '0.png')]


def test_an_unreadable_image_in_test_mode_is_an_error(folder):
    (folder / 'cat' / '0.png').write_bytes(b'broken')
    dataset = ImageFolder(str(folder), pipeline=LOAD, test_mode=True)
    with pytest.raises(UnreadableImageError, match='cat/0.png: not an image'):
        dataset[0]
    assert dataset[1]['data_samples'].img_path.endswith('cat/1.png')


def test_only_unreadable_images_are_one_quick_error(folder):
    for i in range(4):
        for name in ('cat', 'dog'):
            (folder / name / f'{i}.png').write_bytes(b'broken')
    dataset = ImageFolder(str(folder), pipeline=LOAD)
    with pytest.raises(RuntimeError, match='no readable image among 8 of 8.*cat/2.png: not an'):
        dataset[2]
    dataset = ImageFolder(str(folder), pipeline=LOAD, max_refetch=3)
    with pytest.raises(RuntimeError, match=f'no readable image among . of 8.*{folder}'):
        dataset[0]


def _loader(dataset, **kwargs):
    cfg = dict(batch_size=4, num_workers=2, persistent_workers=False, dataset=dataset,
               sampler=dict(type='DefaultSampler', shuffle=True),
               collate_fn=dict(type='default_collate'), **kwargs)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return Runner.build_dataloader(cfg, seed=0)


def test_a_dataloader_of_mmengine_with_workers(folder):
    (folder / 'cat' / '0.png').write_bytes(b'broken')
    loader = _loader(dict(type='peco.ImageFolder', data_root=str(folder), pipeline=PIPELINE))
    batches = list(loader)
    assert len(batches) == 2
    for batch in batches:
        backbone, tokenizer = batch['inputs']
        assert backbone.shape == (4, 3, 16, 16) and tokenizer.shape == (4, 3, 8, 8)
        assert backbone.dtype == torch.uint8
        for sample in batch['data_samples']:
            assert sample.mask.sum() == 6 and len(sample.crop_box) == 4
    labels = sorted(int(s.gt_label) for b in batches for s in b['data_samples'])
    assert len(labels) == 8


def test_workers_report_that_nothing_can_be_read(folder):
    for path in folder.glob('*/*.png'):
        path.write_bytes(b'broken')
    loader = _loader(dict(type='peco.ImageFolder', data_root=str(folder), pipeline=PIPELINE))
    with pytest.raises(RuntimeError, match='no readable image among 8 of 8'):
        list(loader)


def test_bank_and_query_come_through_one_dataloader(folder):
    def part(role):
        return dict(type='peco.ImageFolder', data_root=str(folder), split_role=role,
                    pipeline=LOAD, test_mode=True)
    loader = _loader(dict(type='ConcatDataset', datasets=[part('bank'), part('query')]))
    roles = [s.split_role for batch in loader for s in batch['data_samples']]
    assert sorted(roles) == ['bank'] * 8 + ['query'] * 8


def test_printing_tells_the_subset(folder):
    text = repr(ImageFolder(str(folder), split_role='query', num_per_class=2))
    assert 'query' in text and 'Number of samples: \t4' in text


def test_the_fingerprint_knows_each_file_by_name(folder):
    def fingerprint(**kwargs):
        return ImageFolder(str(folder), **kwargs).files_fingerprint

    before = fingerprint()
    assert fingerprint() == before and fingerprint(indices=4) != before
    (folder / 'cat/0.png').rename(folder / 'cat/zero.png')
    assert fingerprint() != before
    (folder / 'cat/zero.png').rename(folder / 'cat/0.png')
    assert fingerprint() == before
