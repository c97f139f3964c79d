"""Configs of detection and segmentation: names, models, twins, recipes."""

import copy
import functools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from peco.engine.checks import check_components  # noqa: E402
from peco.engine.cli import build_runner, complete_dataloaders  # noqa: E402
from peco.registry import MODELS  # noqa: E402
from tests.dense_toys import CATEGORIES, keep_polygons, make_coco  # noqa: E402

ROOT = Path(__file__).parents[2]
SCOPES = {'mask-rcnn': 'mmdet', 'cascade-mask-rcnn': 'mmdet', 'upernet': 'mmseg'}
CONFIGS = sorted(path for path in (ROOT / 'configs').glob('*/*.py')
                 if path.parent.name != '_base_' and path.name.partition('_')[0] in SCOPES)
FULL_SIZE = [path for path in CONFIGS if path.parent.name in ('coco', 'ade20k')]
OURS = [path for path in FULL_SIZE if 'peco-' in path.name]
SMALL = [path for path in CONFIGS if path.parent.name in ('nuclei', 'camvid', 'quickstart')]
TWINS = [path for path in SMALL if 'peco-' in path.name and path.parent.name != 'quickstart']


def _name(path):
    return path.name


@functools.cache
def _read(path):
    return Config.fromfile(path)


def _load(path):
    return copy.deepcopy(_read(path))


def _model(cfg, scope):
    init_default_scope(scope)
    model = cfg.model
    model.backbone.pop('init_cfg', None)
    with torch.device('meta'):
        return MODELS.build(model)


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_names_only_known_parts_and_keys(path):
    cfg = _load(path)
    init_default_scope(cfg.default_scope)
    assert cfg.default_scope == SCOPES[path.name.partition('_')[0]]
    assert check_components(cfg) == []


@pytest.mark.parametrize('path', OURS, ids=_name)
def test_builds_its_model(path):
    cfg = _load(path)
    built = _model(cfg, cfg.default_scope)
    large = 'vitl' in path.name
    assert len(built.backbone.blocks) == (24 if large else 12)
    assert built.backbone.embed_dims == (1024 if large else 768)
    assert sum(p.numel() for p in built.parameters()) > (3e8 if large else 9e7)


@pytest.mark.parametrize('path', OURS, ids=_name)
def test_the_twin_differs_in_the_checkpoint_alone(path):
    ours = _load(path).to_dict()
    twin = _load(path.with_name(path.name.replace('peco-', 'beit-'))).to_dict()
    assert 'beit' in twin['model']['backbone']['init_cfg'].pop('checkpoint')
    assert 'pretrain_vit' in ours['model']['backbone']['init_cfg'].pop('checkpoint')
    assert 'beit' in twin.pop('pretrained') and ours.pop('pretrained')
    assert twin == ours


# As the READMEs tell them: learning rate, layer decay, drop path, depths of the maps.
RECIPES = {
    ('coco', 'base'): (3e-4, 0.75, 0.2, (2, 5, 8, 11)),
    ('coco', 'large'): (2e-4, 0.85, 0.2, (5, 11, 17, 23)),
    ('ade20k', 'base'): (7e-4, 0.65, 0.1, (3, 5, 7, 11)),
    ('ade20k', 'large'): (2e-4, 0.8, 0.2, (7, 11, 15, 23)),
}


@pytest.mark.parametrize('path', OURS, ids=_name)
def test_the_numbers_of_the_readme(path):
    cfg = _load(path)
    backbone, optim = cfg.model.backbone, cfg.optim_wrapper
    size = 'large' if 'vitl' in path.name else 'base'
    assert (optim.optimizer.lr, optim.paramwise_cfg.layer_decay_rate, backbone.drop_path_rate,
            tuple(backbone.out_indices)) == RECIPES[path.parent.name, size]
    assert optim.optimizer.weight_decay == 0.05 and optim.optimizer.type == 'AdamW'
    warm_up, decay = cfg.param_scheduler
    if path.parent.name == 'coco':
        assert tuple(backbone.global_blocks) == tuple(backbone.out_indices)
        assert backbone.window_size == 14 and warm_up.end == 500
        assert decay.milestones == ([27, 33] if '3x' in path.name else [9, 11])
    else:
        assert warm_up.end == decay.begin == 1500 and decay.end == 160000
        assert decay.type == 'PolyLR' and decay.power == 1. and decay.eta_min == 0.
        stride = dict([(512, 341), (640, 426)])[backbone.img_size]
        assert tuple(cfg.model.test_cfg.stride) == (stride, stride)
        assert cfg.model.auxiliary_head.loss_decode.loss_weight == 0.4


@pytest.mark.parametrize('path', OURS, ids=_name)
def test_recipe(path):
    cfg = _load(path)
    optim, loader = cfg.optim_wrapper, cfg.train_dataloader
    assert optim.type == 'peco.AmpOptimWrapper'
    assert optim.constructor == 'peco.LayerDecayOptimWrapperConstructor'
    assert cfg.auto_scale_lr.base_batch_size == 8 * loader.batch_size
    last = cfg.param_scheduler[-1].end
    assert last == cfg.train_cfg.get('max_epochs', cfg.train_cfg.get('max_iters'))
    if path.parent.name == 'coco':
        assert cfg.train_cfg.max_epochs == (36 if '3x' in path.name else 12)
    else:
        size = int(path.stem.split('x')[-1])
        assert tuple(cfg.model.test_cfg.crop_size) == (size, size)
        assert cfg.model.backbone.img_size == size
        crop = next(step for step in loader.dataset.pipeline if step.type == 'RandomCrop')
        assert tuple(crop.crop_size) == (size, size)
        scales = [step.scale[1] for step in cfg.tta_pipeline[1].transforms[0]]
        # BEiT's views are never smaller than the window.
        assert scales == [int(size * ratio) for ratio in (1., 1., 1., 1.25, 1.5, 1.75)]


@pytest.mark.parametrize('path', SMALL, ids=_name)
def test_small_recipes(path):
    cfg = _load(path)
    built = _model(cfg, cfg.default_scope)
    assert 1e6 < sum(p.numel() for p in built.backbone.parameters()) < 5e6
    last = cfg.param_scheduler[-1].end
    assert last == cfg.train_cfg.get('max_epochs', cfg.train_cfg.get('max_iters'))
    assert cfg.optim_wrapper.type == 'OptimWrapper'  # the pipeline decides on --amp
    window = cfg.model.backbone.window_size * cfg.model.backbone.patch_size
    assert window == cfg.model.backbone.img_size  # the bias table of pretraining, unchanged


@pytest.mark.parametrize('path', TWINS, ids=_name)
def test_from_scratch_is_the_same_budget(path):
    ours = _load(path).to_dict()
    scratch = _load(path.with_name(path.name.replace('peco-', 'scratch-'))).to_dict()
    assert scratch['model']['backbone'].pop('init_cfg') is None
    assert ours['model']['backbone'].pop('init_cfg')['type'] == 'Pretrained'
    assert scratch.pop('made_by') == {} and ours.pop('made_by')
    for cfg in (ours, scratch):
        cfg['optim_wrapper']['optimizer'].pop('lr')
        cfg['optim_wrapper']['paramwise_cfg'].pop('layer_decay_rate')
    assert scratch == ours


def test_the_images_of_tuning_are_no_others(tmp_path):
    cfg = _load(ROOT / 'configs/nuclei/mask-rcnn_scratch-vit-micro_b4-coslr-4e_nuclei-holdout.py')
    data = make_coco(tmp_path / 'data')
    keep_polygons(data / 'annotations.json')
    images = cfg.train_dataloader.dataset.indices - cfg.val_dataloader.dataset.indices
    assert images == 535
    for loader, indices in ((cfg.train_dataloader, 4), (cfg.val_dataloader, -2)):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=str(data), ann_file='annotations.json', data_prefix=dict(img='images/'),
            metainfo=dict(classes=tuple(CATEGORIES.values())), indices=indices)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.train_dataloader.dataset.filter_cfg.filter_empty_gt = False  # counts come after the filter
    cfg.model.roi_head.bbox_head.num_classes = cfg.model.roi_head.mask_head.num_classes = 3
    cfg.merge_from_dict(dict(
        work_dir=str(tmp_path / 'run'), experiment_name='holdout', log_level='ERROR',
        train_cfg=dict(max_epochs=1, val_interval=1)))
    complete_dataloaders(cfg)
    runner = build_runner(cfg, 'train', 'none')
    runner.train()
    ids = [{runner_set[i]['data_samples'].img_id for i in range(len(runner_set))}
           for runner_set in (runner.train_dataloader.dataset, runner.val_dataloader.dataset)]
    assert ids[0].isdisjoint(ids[1]) and len(ids[1]) == 2
    scalars = runner.message_hub.log_scalars
    assert 0 <= scalars['val/coco/segm_mAP'].current() <= 1
    # Every annotation of the two images is counted, and none of the others.
    assert sorted(runner.val_evaluator.metrics[0]._coco_api.get_img_ids()) == [104, 105]


def test_camvid_is_read(tmp_path):
    cfg = _load(ROOT / 'configs/camvid/upernet_scratch-vit-micro_b8-500it_camvid-256x256.py')
    init_default_scope('mmseg')
    labels = np.arange(360 * 480).reshape(360, 480) % 11
    labels[:40] = 255
    for split in ('train', 'val', 'test'):
        for part, image in (('images', np.zeros((360, 480, 3))), ('annotations', labels)):
            (tmp_path / part / split).mkdir(parents=True)
            name = 'a.jpg' if part == 'images' else 'a.png'
            cv2.imwrite(str(tmp_path / part / split / name), image.astype(np.uint8))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(tmp_path)
        dataset = DATASETS.build(loader.dataset)
        assert len(dataset) == 1
        sample = dataset[0]['data_samples']
        found = set(sample.gt_sem_seg.data.unique().tolist())
        assert found - {255} == set(range(11))
        assert len(dataset.metainfo['classes']) == len(dataset.metainfo['palette']) == 11
    assert tuple(sample.gt_sem_seg.shape) == (360, 480)
