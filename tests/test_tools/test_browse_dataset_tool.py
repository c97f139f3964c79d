import sys

import cv2
import numpy as np
import pytest
from PIL import Image

import peco.visualization.data_grid  # noqa: F401
from peco.visualization import image_grid
from tests.toy_configs import (
    SIZE,
    classifier_config,
    pretrain_config,
    run_tool,
    tokenizer_config,
    write_config,
)

data_grid_of_the_tool = sys.modules['peco.visualization.data_grid']
CELL, RED, GRAY = 144, (220, 40, 40), (153, 153, 153)


@pytest.fixture
def browse(tmp_path, capsys):
    """Run the tool; return exit code, picture (None without) and what was said."""

    def run(cfg, *options, name='out.png'):
        config = cfg if isinstance(cfg, str) else write_config(cfg, tmp_path / 'browsed.py')
        out = tmp_path / name
        code = run_tool('browse_dataset', config, '--num', 3, '--out', out, *options)
        said = capsys.readouterr()
        return (code, np.asarray(Image.open(out)).astype(int) if out.exists() else None,
                said.out + said.err)
    return run


def count(picture, color):
    return int((picture == color).all(-1).sum())


def test_files_crops_views_and_masks_of_pretraining(browse, images):
    cfg = pretrain_config(images, 'no_tokenizer_is_needed.pth')
    dataset = cfg['train_dataloader']['dataset']
    load, mask, _ = dataset['pipeline']
    dataset['pipeline'] = [load, dict(type='peco.RandomCropBox', scale=(0.3, 1.0)),
                           dict(type='peco.CropAndResize', size=SIZE, tokenizer_size=SIZE // 2),
                           mask, dict(type='PackInputs')]
    code, first, said = browse(cfg)
    assert code == 0 and 'wrote' in said
    # File, view of the ViT, of the tokenizer, masked view.
    assert 4 * CELL < first.shape[0] < 5 * CELL and first.shape[1] > 3 * CELL
    assert count(first, RED) > 300
    share = mask['num_masked'] / np.prod(mask['grid_size'])
    assert count(first, GRAY) == pytest.approx(3 * share * CELL**2, rel=0.05)
    assert np.array_equal(first, browse(cfg, name='again.png')[1])
    assert not np.array_equal(first, browse(cfg, '--seed', 1, name='other.png')[1])


def test_colours_are_those_of_the_file(browse, tmp_path):
    for name, colour in (('a', (250, 10, 20)), ('b', (20, 10, 250))):
        (tmp_path / 'data/train' / name).mkdir(parents=True)
        for index in range(2):
            Image.new('RGB', (16, 16), colour).save(tmp_path / f'data/train/{name}/{index}.png')
    cfg = classifier_config(tmp_path / 'data')
    cfg['data_preprocessor'] = dict(cfg['data_preprocessor'], to_rgb=True)
    code, picture, _ = browse(cfg, '--num', 4)
    assert code == 0
    for colour in ((250, 10, 20), (20, 10, 250)):
        assert count(picture, colour) == 2 * 2 * CELL**2  # two files and their inputs


def test_the_crop_of_a_file_that_is_decoded_at_half_its_size(browse, tmp_path):
    (tmp_path / 'data').mkdir()
    Image.new('RGB', (2400, 1800), (10, 20, 250)).save(tmp_path / 'data/large.jpg')
    cfg = tokenizer_config(tmp_path)
    dataset = cfg['train_dataloader']['dataset']
    dataset.update(data_root=str(tmp_path / 'data'), pipeline=[
        dict(type='peco.LoadImage', min_side=896),
        dict(type='peco.RandomCropBox', scale=(0.99, 1.0), ratio=(4 / 3, 4 / 3)),
        dict(type='peco.CropAndResize', size=SIZE), dict(type='PackInputs')])
    code, picture, said = browse(cfg)
    assert code == 0, said
    rows, cols = np.nonzero((np.abs(picture - RED) < 40).all(-1))
    # The crop is nearly the whole file.
    assert np.ptp(cols) > 0.9 * CELL and np.ptp(rows) > 0.9 * CELL * 3 / 4


@pytest.mark.parametrize('split', ['train', 'test'])
def test_any_image_data(browse, images, split):
    for make in (classifier_config, tokenizer_config):
        assert browse(make(images), '--split', split, name=f'{make.__name__}.png')[0] == 0


def test_shards_have_no_files_to_show(browse, images, tmp_path):
    assert run_tool('make_shards', images / 'train', tmp_path / 'shards') == 0
    cfg = tokenizer_config(images)
    pipeline = cfg['train_dataloader']['dataset']['pipeline']
    cfg['train_dataloader']['dataset'] = dict(
        type='peco.TarShards', data_root=str(tmp_path / 'shards'), pipeline=pipeline)
    cfg['train_dataloader']['dataset']['pipeline'] = [
        pipeline[0], dict(type='RandomCrop', crop_size=8), pipeline[-1]]
    pictures = [browse(cfg, '--seed', seed, name=f'{seed}.png')[1] for seed in (0, 1)]
    assert pictures[0].shape[0] < 2 * CELL and not np.array_equal(*pictures)


def test_what_is_wrong_is_told(browse, images, tmp_path):
    cfg = tokenizer_config(images)
    for options, message in (
            (['--split', 'test'], 'has no test_dataloader: try --split train'),
            (['--num', 0], '--num must be at least 1, got 0'),
            (['--cfg-options', f'train_dataloader.dataset.data_root={tmp_path}/none'],
             'does not exist'),
            (['--out', 'a.jpg'], '--out must end with .png')):
        cfg.pop('test_dataloader', None)
        code, picture, said = browse(cfg, *options)
        assert (code, picture) == (2, None) and message in said, said


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('kind', ['detector', 'segmentor'])
def test_annotations_stand_below_the_images(browse, tmp_path, kind, split, monkeypatch):
    """Tests load annotations after they have resized the image, trainings before."""
    pytest.importorskip('mmdet')
    pytest.importorskip('mmseg')
    from tests.dense_toys import detector_config, make_ade, make_coco, segmentor_config
    make, config = dict(detector=(make_coco, detector_config),
                        segmentor=(make_ade, segmentor_config))[kind]
    cfg = config(make(tmp_path / 'data'), tmp_path / 'w')
    if split == 'val':
        cfg.visualizer = None  # there is one for each kind
    cfg.dump(tmp_path / 'dense.py')
    drawn = []
    monkeypatch.setattr(data_grid_of_the_tool, 'image_grid', lambda rows, *args, **kwargs: (
        drawn.extend(rows), image_grid(rows, *args, **kwargs))[1])
    code, picture, said = browse(str(tmp_path / 'dense.py'), '--split', split)
    assert code == 0, said
    images, annotations = drawn
    assert len(images) == 3 and picture.shape[1] > 3 * 256
    shares = []
    for image, annotated in zip(images, annotations, strict=True):
        small = cv2.resize(annotated, image.shape[1::-1], interpolation=cv2.INTER_AREA)
        shares.append((np.abs(small.astype(int) - image) > 30).any(-1).mean())
    # Objects are painted, and not all of a detector's image; one image may have none.
    assert sorted(shares)[1] > 0.02 and max(shares) < (0.9 if kind == 'detector' else 1.01)
