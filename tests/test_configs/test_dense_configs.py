"""Configs of COCO and ADE20K: names, models, twins, recipes."""

import copy
import functools
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from peco.engine.config_check import check_components  # noqa: E402
from peco.registry import MODELS  # noqa: E402

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(path for name in ('coco', 'ade20k')
                 for path in (ROOT / 'configs' / name).glob('*.py'))
OURS = [path for path in CONFIGS if 'peco-' in path.name]


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
    model.backbone.pop('init_cfg')
    with torch.device('meta'):
        return MODELS.build(model)


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_names_only_known_parts_and_keys(path):
    cfg = _load(path)
    init_default_scope(cfg.default_scope)
    assert cfg.default_scope == dict(coco='mmdet', ade20k='mmseg')[path.parent.name]
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
        assert scales == [int(size * ratio) for ratio in (0.5, 0.75, 1., 1.25, 1.5, 1.75)]


@pytest.mark.parametrize('name', ['coco', 'ade20k'])
def test_the_metafile_lists_every_config(name):
    meta = Config.fromfile(ROOT / 'configs' / name / 'metafile.yml')
    listed = {model['Config'] for model in meta.Models}
    assert listed == {str(path.relative_to(ROOT)) for path in CONFIGS if path.parent.name == name}
