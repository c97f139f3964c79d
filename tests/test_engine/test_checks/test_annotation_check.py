"""Classes and masks of detection, on the toy data set and the real config."""

import json
import shutil

import pytest
from mmengine.config import Config

pytest.importorskip('mmdet')

from peco.engine.checks.annotation_check import check_annotations  # noqa: E402
from peco.engine.checks.preflight import check_config  # noqa: E402
from tests.dense_toys import CATEGORIES, detector_config, keep_polygons, make_coco  # noqa: E402

LOADERS = ('train_dataloader', 'val_dataloader')
NAMES = list(CATEGORIES.values())


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return make_coco(tmp_path_factory.mktemp('coco') / 'data')


@pytest.fixture
def cfg(data, tmp_path):
    return detector_config(data, tmp_path)


def test_what_fits_passes(cfg):
    assert check_annotations(cfg, LOADERS) == []
    # Some of the file's classes are a choice.
    for name in LOADERS:
        cfg[name].dataset.metainfo.classes = NAMES[::2]
    cfg.model.roi_head.bbox_head.num_classes = cfg.model.roi_head.mask_head.num_classes = 2
    assert check_annotations(cfg, LOADERS) == []


def test_a_class_that_the_file_does_not_have(cfg):
    cfg.val_dataloader.dataset.metainfo.classes = ('person', 'cars', 'toothbrush')
    problem, = check_annotations(cfg, LOADERS)
    assert problem.startswith("val_dataloader.dataset.metainfo.classes names 'cars', which '")
    assert "its categories are 'person', 'car', 'toothbrush'" in problem
    assert problem in check_config(cfg, 'train')
    assert check_annotations(cfg, ('train_dataloader', )) == []


def test_another_order_would_swap_the_names(cfg):
    cfg.train_dataloader.dataset.metainfo.classes = NAMES[::-1]
    problem, = check_annotations(cfg, LOADERS)
    assert 'has another order than' in problem and problem.endswith(f'set it to {NAMES}')


def test_the_classes_of_coco_where_none_are_named(cfg):
    for name in LOADERS:
        del cfg[name].dataset['metainfo']
    problem = check_annotations(cfg, LOADERS)[0]
    assert "metainfo.classes names 'bicycle', 'motorcycle'" in problem
    assert ' others, which ' in problem


def test_a_head_of_another_number_of_classes(cfg):
    cfg.model.roi_head.mask_head.num_classes = 80
    cfg.model.rpn_head.num_classes = 1  # it proposes, whatever the class
    problem, = check_annotations(cfg, LOADERS)
    assert problem.endswith('has 3 class(es): set --cfg-options '
                            'model.roi_head.mask_head.num_classes=3')


def test_other_heads_count_other_things(cfg):
    htc = Config.fromstring("_base_ = 'mmdet::htc/htc_r50_fpn_1x_coco.py'", '.py')
    assert htc.model.roi_head.semantic_head.num_classes == 183
    cfg.model = htc.model
    found = check_annotations(cfg, LOADERS)
    assert len(found) == 6 and all('_head.' in line and 'semantic' not in line for line in found)


def test_run_lengths_that_mmdet_would_ignore(cfg, data, tmp_path):
    dataset = cfg.train_dataloader.dataset
    step = next(step for step in dataset.pipeline if step.type == 'LoadAnnotations')
    step.poly2mask = False
    problem, = check_annotations(cfg, LOADERS)
    assert 'run lengths (RLE) as masks of 5 objects' in problem  # a third of five images' objects
    shutil.copy(data / 'annotations.json', tmp_path / 'polygons.json')
    keep_polygons(tmp_path / 'polygons.json')
    dataset.update(data_root=str(tmp_path), ann_file='polygons.json')
    assert check_annotations(cfg, ('train_dataloader', )) == []  # crowds are ignored in any case


def test_long_lists_and_other_files(cfg, data, tmp_path):
    content = json.loads((data / 'annotations.json').read_text())
    content['categories'] += [dict(id=200 + index, name=f'é{index}' * 50) for index in range(999)]
    dataset = cfg.train_dataloader.dataset
    (tmp_path / 'long.json').write_text(json.dumps(content, ensure_ascii=False))
    dataset.update(data_root=str(tmp_path), ann_file='long.json')
    assert check_annotations(cfg, ('train_dataloader', )) == []
    (tmp_path / 'other.json').write_text('{"images": []}')
    dataset.ann_file = 'other.json'
    assert 'has no list of categories' in check_annotations(cfg, ('train_dataloader', ))[0]
    lists = ',"images":[{"categories":[1,2]},{"categories":[{"name":"x"}]},{"categories":[]}]'
    text = json.dumps(content)
    (tmp_path / 'more.json').write_text('{"info":{"categories":["x"]}' + lists + ',' + text[1:])
    dataset.ann_file = 'more.json'
    assert check_annotations(cfg, ('train_dataloader', )) == []
    (tmp_path / 'half.json').write_text(text[:text.index('"categories"') + 40])
    dataset.ann_file = 'half.json'
    assert 'is it a whole annotation file' in check_annotations(cfg, ('train_dataloader', ))[0]
    dataset.ann_file = 'none.json'
    assert check_annotations(cfg, ('train_dataloader', )) == []  # told as a missing file
