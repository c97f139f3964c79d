"""Every config: parses, names only known parts and keys, builds its model, runs its pipelines."""

import copy
import functools
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner
from torch.utils.data import IterableDataset

from peco.datasets import ImageFolder
from peco.datasets.shards import write_shards
from peco.engine.checks import check_components
from peco.engine.cli import complete_dataloaders
from peco.engine.pipeline import Pipeline
from peco.engine.study import Study
from peco.registry import MODELS

ROOT = Path(__file__).parents[2]
STUDIES = sorted(
    path for path in (ROOT / 'configs').glob('*/*.py')
    if re.search('\n(measures|report) = ', path.read_text()))
CONFIGS = sorted(
    path for path in (ROOT / 'configs').glob('*/*.py')
    if path.parent.name != '_base_' and path.name not in ('pipeline.py', 'tuning.py')
    and path not in STUDIES
    # See test_dense_configs.py.
    and not path.name.startswith(('mask-rcnn', 'cascade-mask-rcnn', 'upernet')))
PIPELINES = sorted(
    path for name in ('pipeline', 'tuning') for path in (ROOT / 'configs').glob(f'*/{name}.py')
    if path not in STUDIES)
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT / 'configs'))


_read = functools.cache(Config.fromfile)


def _load(path: Path) -> Config:
    cfg = copy.deepcopy(_read(path))
    init_default_scope(cfg.default_scope)
    return cfg


def _without_files(node):
    """Replace what a checkpoint on disk would fill."""
    if isinstance(node, dict):
        if node.get('type') == 'peco.PerceptualNetwork':
            return dict(
                type='peco.BackboneFeatures',
                backbone=dict(type='mmpretrain.ResNet_CIFAR', depth=18, base_channels=4,
                              stem_channels=4, out_indices=(0, 1)),
                mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), allow_random=True)
        return {key: _without_files(value) for key, value in node.items()
                if key not in ('init_cfg', 'token_cache')}
    if isinstance(node, list):
        return [_without_files(value) for value in node]
    return node


def _datasets(loader: dict):
    dataset = loader['dataset'].get('dataset', loader['dataset'])  # repeated
    yield from dataset.get('datasets', [dataset])


@pytest.fixture(scope='module')
def image_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    for label in ('a', 'b'):
        (root / label).mkdir()
        for index in range(10):
            image = rng.integers(0, 256, (200, 220, 3), dtype=np.uint8)
            cv2.imwrite(str(root / label / f'{index}.png'), image)
    list(write_shards(ImageFolder(str(root)), root))
    return root


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_config_names_only_known_parts_and_keys(path):
    assert check_components(_load(path)) == []


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_config_builds_its_model(path):
    cfg = _load(path)
    model = Config(dict(model=_without_files(cfg.model.to_dict()))).model
    if 'data_preprocessor' in cfg:
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    # Full-size models without their memory; tokenizers look at values while they are built.
    large = any(size in path.name for size in ('vitb', 'vitl')) and 'tokenizer' not in path.name
    with torch.device('meta' if large else 'cpu'):
        if 'tokenizer_checkpoint' in model:
            model.tokenizer = MODELS.build(model.tokenizer)
        built = MODELS.build(model)
    assert sum(p.numel() for p in built.parameters()) > 0


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_config_pipelines_and_metrics_run(path, image_folder):
    cfg = _load(path)
    complete_dataloaders(cfg)
    loaders = [cfg[name] for name in LOADERS if cfg.get(name)]
    assert loaders
    for loader, dataset in ((one, dataset) for one in loaders for dataset in _datasets(one)):
        small = dict(dataset, data_root=str(image_folder), data_prefix='')
        small.pop('token_cache', None)
        if small.pop('num_per_class', None):
            small['num_per_class'] = 2
        if small.get('holdout'):
            small['holdout'] = dict(small['holdout'], fraction=0.5)
        if dataset['type'] == 'peco.TarShards':
            del small['data_prefix']
            small['batch_size'] = 2
        built = DATASETS.build(small)
        sample = next(iter(built)) if isinstance(built, IterableDataset) else built[0]
        assert set(sample) == {'inputs', 'data_samples'}
        loader = dict(loader, dataset=[sample] * 4, batch_size=2, num_workers=0,
                      persistent_workers=False)
        batch = next(iter(Runner.build_dataloader(loader)))
        assert len(batch['data_samples']) == 2
    for key in ('val_evaluator', 'test_evaluator'):
        for metric in cfg.get(key) if isinstance(cfg.get(key), list) else [cfg.get(key)]:
            if metric is not None and 'classifier' in metric:
                metric.update(classifier=MODELS.build(metric.classifier), checkpoint=None)
        if cfg.get(key) is not None:
            Evaluator(cfg[key])


@pytest.mark.parametrize(
    'path', [p for p in CONFIGS if 'optim_wrapper' in _read(p)], ids=_name)
def test_config_builds_its_schedule(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = _load(path)
    model = torch.nn.Linear(2, 2)
    model.get_layer_depth = lambda name: (0, 2)
    runner = Runner(
        model=model,
        work_dir=str(tmp_path),
        default_scope=cfg.default_scope,
        train_dataloader=dict(
            batch_size=1, dataset=[0, 1], sampler=dict(type='DefaultSampler', shuffle=False)),
        train_cfg=cfg.train_cfg,
        optim_wrapper=cfg.optim_wrapper,
        param_scheduler=cfg.get('param_scheduler'),
        experiment_name=_name(path).replace('/', '_'))
    runner.optim_wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    runner._train_loop = runner.build_train_loop(cfg.train_cfg)
    schedulers = runner.build_param_scheduler(cfg.param_scheduler)
    by_epoch = 'EpochBased' in cfg.train_cfg.get('type', 'EpochBased')
    last = max(s.end for s in schedulers)
    # A schedule ends with the training, or is a warm-up to a constant rate.
    assert last == runner.max_epochs * 2 if by_epoch else last < runner.max_iters


@pytest.mark.parametrize('path', PIPELINES, ids=_name)
def test_pipeline_files_name_what_exists(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    for smoke in (False, True):
        pipeline = Pipeline(str(path), smoke=smoke)
        names = {stage.name for stage in pipeline.stages}
        for stage in pipeline.stages:
            assert stage.config is None or Path(stage.config).is_file()
            assert stage.run in ('train', 'test') or Path(stage.run).is_file()
        assert {cell[0] for row in pipeline.report.rows for cell in row['cells'].values()} <= names


@pytest.mark.parametrize('path', STUDIES, ids=_name)
@pytest.mark.parametrize('smoke', [False, True])
def test_study_files_name_what_exists(path, smoke, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study(str(path), seeds=1, smoke=smoke)
    made, seen = set(), set()
    for stage in study.pipeline.stages:
        assert stage.config is None or Path(stage.config).is_file()
        assert stage.run in ('train', 'test') or Path(stage.run).is_file()
        # Nothing is read that no earlier stage made, and no name is left to fill in.
        texts = ' '.join(map(str, [stage.checkpoint, *stage.args, *stage.cfg_options.values()]))
        assert set(re.findall(r'{last:([^}]*)}', texts)) <= made
        assert not re.search(r'{(?!last:|work_dir})', texts)
        made.add(stage.name)
        if smoke and stage.config and not re.search('mask-rcnn|upernet', stage.config) and (
                stage.config not in seen):
            seen.add(stage.config)
            cfg = _load(Path(stage.config))
            cfg.merge_from_dict(dict(stage.cfg_options))
            assert check_components(cfg) == []
    for measure in study.pipeline.report.measures:
        arms = set(measure.arms or study.arms) & set(study.arms)
        stages = {measure.stage} if measure.shared else {
            f'seed0/{arm}/{measure.stage}' for arm in arms}
        assert stages <= made


@pytest.mark.parametrize('folder, word', [
    ('camvid', ''), ('cifar10', ''), ('claim', 'cifar10'), ('imagenet_samples', ''), ('nuclei', ''),
    ('peco', ''), ('quickstart', '')])
def test_tokenizers_learn_from_images_of_the_size_that_they_are_for(folder, word):
    """On nuclei one of 64 px crops made 20 in place of 31 dB out of 128 px."""
    sizes = {
        kind: {step['size'] for path in CONFIGS
               if path.parent.name == folder and path.name.startswith(kind) and word in path.name
               for step in _load(path).get('train_pipeline', [])
               if step['type'] == 'peco.CropAndResize'} for kind in ('tokenizer', 'pretrain')}
    assert len(sizes['tokenizer']) == 1 and sizes['tokenizer'] == sizes['pretrain']
