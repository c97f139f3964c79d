import hashlib
import json
import os

import cv2
import numpy as np
import pytest

from peco.datasets import ImageFolder
from peco.datasets.demo import compose_scene, demo_data, make_demo_data
from peco.datasets.demo.canvas import TEXTURES, textured_canvas

SMALL = dict(num_train=30, num_test=20, num_train_scenes=6, num_test_scenes=2, progress=False)


def _files(root):
    return {os.path.relpath(os.path.join(folder, name), root): os.path.join(folder, name)
            for folder, _, names in os.walk(root) for name in names}


def _digests(root):
    return {name: hashlib.sha256(open(path, 'rb').read()).hexdigest()
            for name, path in _files(root).items()}


def test_it_writes_class_folders_that_the_dataset_reads(tmp_path):
    out = make_demo_data(str(tmp_path / 'demo'), **SMALL)
    for part, number in (('train', 30), ('test', 20)):
        dataset = ImageFolder(out, part)
        assert dataset.metainfo['classes'] == tuple('0123456789')
        assert np.bincount(dataset.get_gt_labels()).tolist() == [number // 10] * 10
    image = cv2.imread(os.path.join(out, 'train', '3', '00003.png'))
    assert image.shape == (32, 32, 3)
    assert os.listdir(tmp_path) == ['demo']


def test_scenes_come_with_coco_instances_and_ade_masks(tmp_path):
    COCO = pytest.importorskip('pycocotools.coco').COCO
    scenes = tmp_path / 'demo/scenes'
    make_demo_data(str(tmp_path / 'demo'), **SMALL)
    for part, number in (('train', 6), ('test', 2)):
        coco = COCO(str(scenes / f'annotations/instances_{part}.json'))
        assert coco.getCatIds() == [1] and coco.cats[1]['name'] == 'digit'
        assert len(coco.getImgIds()) == number and 1 <= len(coco.anns) / number <= 3
        for info in coco.loadImgs(coco.getImgIds()):
            image = cv2.imread(str(scenes / part / info['file_name']))
            assert image.shape == (info['height'], info['width'], 3) == (64, 64, 3)
            classes = cv2.imread(str(scenes / 'masks' / part / info['file_name']), 0)
            assert set(np.unique(classes)) == {0, 1, 2}
            inside = np.zeros_like(classes, bool)
            for instance in coco.loadAnns(coco.getAnnIds(info['id'])):
                x, y, width, height = instance['bbox']
                mask = coco.annToMask(instance).astype(bool)
                assert mask[y:y + height, x:x + width].sum() == mask.sum() > 0
                assert 0 < instance['area'] <= mask.sum() + 2  # holes are filled
                inside |= mask
            assert inside[classes == 2].mean() > 0.99  # what is a digit's lies in an instance
            assert np.array_equal(cv2.dilate((classes == 2).astype(np.uint8), np.ones((3, 3))) == 1,
                                  classes != 1)


def test_same_seed_same_bytes_and_more_images_keep_the_first(tmp_path):
    first = _digests(make_demo_data(str(tmp_path / 'a'), **SMALL))
    assert _digests(make_demo_data(str(tmp_path / 'b'), **SMALL)) == first
    other = _digests(make_demo_data(str(tmp_path / 'c'), seed=1, **SMALL))
    more = _digests(make_demo_data(str(tmp_path / 'd'),
                                   **{**SMALL, 'num_train': 40, 'num_train_scenes': 7}))
    names = [name for name in first if name.endswith('.png')]
    assert len(names) == 66 and all(other[name] != first[name] for name in names)
    assert all(more[name] == first[name] for name in names)
    assert len({first[name] for name in names}) == 66  # no image twice


def test_train_and_test_show_different_digits():
    glyphs = demo_data._source_digits(0)
    train = {g.tobytes() for digits in glyphs['train'] for g in digits}
    test = {g.tobytes() for digits in glyphs['test'] for g in digits}
    assert not train & test and len(train) + len(test) > 1790
    assert all(len(digits) > 25 for split in glyphs.values() for digits in split)


def test_a_finished_folder_is_left_alone(tmp_path, monkeypatch):
    out = str(tmp_path / 'demo')
    make_demo_data(out, **SMALL)
    monkeypatch.setattr(demo_data, '_write', None)
    assert make_demo_data(out, **SMALL) == out
    with pytest.raises(ValueError, match='demo data made with .*remove it'):
        make_demo_data(out, seed=1, **SMALL)


def test_a_folder_of_someone_else_is_not_touched(tmp_path):
    (tmp_path / 'mine.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='is not demo data'):
        make_demo_data(str(tmp_path), **SMALL)
    assert os.listdir(tmp_path) == ['mine.txt']


def test_an_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    real, calls = cv2.imwrite, []

    def imwrite(*args):
        calls.append(args)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(cv2, 'imwrite', imwrite)
    out = tmp_path / 'demo'
    with pytest.raises(KeyboardInterrupt):
        make_demo_data(str(out), **SMALL)
    assert os.listdir(tmp_path) == []
    monkeypatch.undo()
    out.mkdir()  # an empty folder is no obstacle
    make_demo_data(str(out), **SMALL)
    assert json.loads((out / 'demo_data.json').read_text())['num_train'] == 30


def test_two_makers_of_one_folder_agree(tmp_path, monkeypatch):
    out = str(tmp_path / 'demo')
    real = demo_data._write

    def write_second(folder, settings, progress):
        monkeypatch.setattr(demo_data, '_write', real)
        make_demo_data(out, **SMALL)  # the other process is quicker
        real(folder, settings, progress)

    monkeypatch.setattr(demo_data, '_write', write_second)
    assert make_demo_data(out, **SMALL) == out
    assert os.listdir(tmp_path) == ['demo'] and len(_files(out)) == 69


@pytest.mark.parametrize('kwargs, message', [(dict(image_size=8), 'image_size'),
                                             (dict(num_train=5), 'num_train'),
                                             (dict(num_test_scenes=-1), 'num_test_scenes')])
def test_impossible_arguments_are_refused(kwargs, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        make_demo_data(str(tmp_path / 'demo'), **kwargs)
    assert os.listdir(tmp_path) == []


def _glyph():
    glyph = np.zeros((8, 8), np.float32)
    glyph[1:7, 3:5] = 1
    return glyph


def test_scenes_tell_what_they_show():
    for seed in range(50):
        scene = compose_scene(np.random.default_rng(seed), [_glyph()] * 3, [1, 1, 1], 96, 64,
                              digit_size=(0.2, 0.4))
        assert scene.image.shape == (96, 64, 3) and scene.image.dtype == np.uint8
        assert scene.labels == [1, 1, 1] and len(scene.boxes) == len(scene.masks) == 3
        assert np.stack(scene.masks).sum(axis=0).max() == 1  # what is covered is not counted
        for (x1, y1, x2, y2), mask in zip(scene.boxes, scene.masks, strict=True):
            assert mask.sum() == mask[y1:y2, x1:x2].sum()
            assert 0 <= x1 <= x2 <= 64 and 0 <= y1 <= y2 <= 96
        x1, y1, x2, y2 = scene.boxes[-1]
        assert 8 < y2 - y1 < 40  # the last digit is whole


def test_digits_apart_seldom_cover_one_another():
    def covered(**kwargs):
        whole = [compose_scene(np.random.default_rng(seed), [_glyph()] * 3, [1, 1, 1], 64, 64,
                               digit_size=(0.4, 0.5), **kwargs) for seed in range(60)]
        first = [compose_scene(np.random.default_rng(seed), [_glyph()], [1], 64, 64,
                               digit_size=(0.4, 0.5), **kwargs) for seed in range(60)]
        return np.mean([scene.masks[0].sum() < alone.masks[0].sum()
                        for scene, alone in zip(whole, first, strict=True)])

    assert covered() > 0.2 and covered(apart=True) < 0.05


def test_digits_stand_out_from_the_canvas():
    luma = np.array([0.299, 0.587, 0.114])
    for seed in range(50):
        scene = compose_scene(np.random.default_rng(seed), [_glyph()], [1], 32, 32)
        mask = scene.masks[0]
        values = scene.image @ luma
        assert abs(values[mask].mean() - values[~mask].mean()) > 50


def test_every_texture_fills_its_canvas():
    for texture in TEXTURES:
        values = texture(np.random.default_rng(0), 20, 30)
        assert values.shape == (20, 30) and values.std() > 0.05
    canvas = textured_canvas(np.random.default_rng(0), 20, 30)
    assert canvas.shape == (20, 30, 3) and canvas.dtype == np.float32
    assert canvas.min() >= 0 and canvas.max() <= 1
