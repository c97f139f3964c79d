"""Checks of a config before anything heavy is built: classes, keys, folders, checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from peco.datasets.image_folder import IMAGE_EXTENSIONS

from ..image_folders import holds_image, image_folder, image_folder_configs, is_dataset
from ..path_variables import variable_of
from .annotation_check import check_annotations
from .class_check import check_classes
from .component_check import check_components

_STAGES = dict(train=('train_dataloader', 'val_dataloader'), test=('test_dataloader', ))


def check_config(cfg: Config, stage: str) -> list[str]:
    """Return everything that would stop a run soon after its start, one plain line each.

    Args:
        cfg: The complete config.
        stage: ``'train'`` or ``'test'``.

    Returns:
        The problems; empty when the run may start.

    Raises:
        ValueError: An unknown stage.

    Example:
        >>> from mmengine.config import Config
        >>> check_config(Config(dict(model=dict(type='peco.PeCoVit'))), 'train')  # doctest: +SKIP
        ["model.type: there is no 'peco.PeCoVit' (did you mean 'peco.PeCoViT'?)", ...]
    """
    if stage not in _STAGES:
        raise ValueError(f'stage={stage!r} is not one of {tuple(_STAGES)}')
    return [
        *_check_parts(cfg, stage),
        *check_components(cfg),
        *_check_data(cfg, stage),
        *check_classes(cfg, _STAGES[stage]),
        *check_annotations(cfg, _STAGES[stage]),
        *_check_checkpoints(cfg, stage),
        *(_check_token_cache(cfg) if stage == 'train' else ()),
        *_check_work_dir(cfg.get('work_dir')),
    ]


def _check_parts(cfg: Config, stage: str) -> list[str]:
    needed = dict(train=('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'),
                  test=('model', 'test_dataloader', 'test_cfg', 'test_evaluator'))[stage]
    missing = [name for name in needed if cfg.get(name) is None]
    if not missing:
        return list(_check_trios(cfg))
    hint = ' (it is a config for tools/test.py alone)' if missing == list(needed[1:]) else ''
    if stage == 'test' and 'test_cfg' in missing:
        hint = ' (it is a config for tools/train.py alone)'
    return [f"the config has no {', '.join(missing)}: it cannot {stage}{hint}"]


def _check_work_dir(work_dir: str | None) -> Iterator[str]:
    if work_dir is None:
        return
    folder = Path(work_dir).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    fault = (f"'{there}' is a file" if not there.is_dir() else
             f"'{there}' may not be written" if not os.access(there, os.W_OK | os.X_OK) else None)
    if fault:
        yield f"work dir '{work_dir}' cannot be used: {fault}. Name another: --work-dir PATH"


def _check_trios(cfg: Config) -> Iterator[str]:
    """mmengine wants loader, loop and evaluator of a split together or not at all."""
    for split in ('val', 'test'):
        names = [f'{split}_dataloader', f'{split}_cfg', f'{split}_evaluator']
        absent = [name for name in names if cfg.get(name) is None]
        if 0 < len(absent) < len(names):
            yield (f"the config has no {', '.join(absent)} beside "
                   f"{', '.join(name for name in names if name not in absent)}: set all three "
                   'or none')


def _check_data(cfg: Config, stage: str) -> list[str]:
    loaders = {name: cfg[name] for name in _STAGES[stage] if cfg.get(name) is not None}
    if stage == 'train':
        for index, hook in enumerate(cfg.get('custom_hooks') or []):
            loaders.update({f'custom_hooks.{index}.{key}': value for key, value in hook.items()
                            if key.endswith('_dataloader') and value is not None})
    for name, loader in loaders.items():
        if name != 'train_dataloader' and isinstance(loader, dict) and is_dataset(
                loader.get('dataset'), 'TarShards'):
            return [f'{name}.dataset.type: peco.TarShards leaves images out, it is for '
                    'training: take peco.ImageFolder here']
    missing = _missing_of(loaders)
    # Evaluators of detection read the annotations, too.
    for name in ('val_evaluator', ) if stage == 'train' else ('test_evaluator', ):
        for key, path in _annotations_of(cfg.get(name), name):
            missing.setdefault(path, []).append(key)
    return [_data_line(path, keys, cfg) for path, keys in missing.items()]


def check_data(cfg: Config, loaders: Iterable[str]) -> list[str]:
    """Return which data of some loaders do not exist or hold no image, one plain line each.

    Args:
        cfg: The complete config.
        loaders: Their names, such as ``'train_dataloader'``.

    Example:
        >>> check_data(cfg, ['train_dataloader'])  # doctest: +SKIP
        []
    """
    missing = _missing_of({name: cfg.get(name) for name in loaders})
    return [_data_line(path, keys, cfg) for path, keys in missing.items()]


def _missing_of(loaders: Mapping[str, Any]) -> dict[str, list[str]]:
    """Paths that are missing, and the config keys that name them."""
    missing: dict[str, list[str]] = {}
    for name, loader in loaders.items():
        if isinstance(loader, dict):
            for path, key in _missing_data(loader.get('dataset'), f'{name}.dataset'):
                missing.setdefault(path, []).append(key)
    return missing


def _missing_data(node: Any, here: str) -> list[tuple[str, str]]:
    """Find the data paths below a dataset config that do not exist or hold no image.

    Each comes with its config key.
    """
    if isinstance(node, (list, tuple)):
        return [found for index, child in enumerate(node)
                for found in _missing_data(child, f'{here}.{index}')]
    if not isinstance(node, dict):
        return []
    root = node.get('data_root') or ''
    if not isinstance(root, str) or '://' in root:
        return []
    if root and not Path(root).expanduser().is_dir():
        found = [(root, f'{here}.data_root')]
    else:
        found = [(path, key) for key, path in _parts_of_dataset(node, root, here)
                 if not Path(path).expanduser().exists()]
    if not found and (folder := image_folder(node)) and not holds_image(folder, node):
        key = 'data_prefix' if node.get('data_prefix') else 'data_root'
        found = [(str(folder), f'{here}.{key}')]
    for key in ('dataset', 'datasets'):
        found += _missing_data(node.get(key), f'{here}.{key}')
    return found


def _annotations_of(node: Any, here: str) -> list[tuple[str, str]]:
    """Find the annotation files of an evaluator that do not exist, each with its config key."""
    if isinstance(node, (list, tuple)):
        return [found for index, child in enumerate(node)
                for found in _annotations_of(child, f'{here}.{index}')]
    path = node.get('ann_file') if isinstance(node, dict) else None
    if not isinstance(path, str) or '://' in path or Path(path).expanduser().exists():
        return []
    return [(f'{here}.ann_file', path)]


def _parts_of_dataset(node: dict, root: str, here: str) -> list[tuple[str, str]]:
    prefix = node.get('data_prefix')
    parts = {f'{here}.data_prefix.{key}': value for key, value in prefix.items()} if isinstance(
        prefix, dict) else {f'{here}.data_prefix': prefix}
    parts[f'{here}.ann_file'] = node.get('ann_file')
    return [(key, str(Path(root) / value)) for key, value in parts.items()
            if isinstance(value, str) and value and '://' not in value]


def _data_line(path: str, keys: list[str], cfg: Config) -> str:
    if Path(path).expanduser().exists():
        fault = f"folder '{path}' holds no image ({' '.join(IMAGE_EXTENSIONS)})"
    else:
        kind = 'file' if Path(path).suffix and keys[0].endswith('ann_file') else 'folder'
        fault = f"{kind} '{path}' does not exist"
    made_by = cfg.get('made_by') or {}
    mend = f'Make it with: {made_by[path]}' if path in made_by else 'Put your data there'
    if variable := variable_of(cfg, path):
        mend += f', set the environment variable {variable} to a folder of your own'
    overrides = ' '.join(f'{key}=PATH' for key in keys)
    return f'data {fault}. {mend}, or name your own: --cfg-options {overrides}'


def _check_token_cache(cfg: Config) -> Iterator[str]:
    """The model and the images must name the same cache, and it must be there."""
    model = cfg.get('model') or {}
    named = {'model.token_cache': model.get('token_cache')} if 'type' in model else {}
    loader = cfg.get('train_dataloader') or {}
    for key, dataset in image_folder_configs(loader.get('dataset'), 'train_dataloader.dataset'):
        named[f'{key}.token_cache'] = dataset.get('token_cache')
    caches = {path for path in named.values() if path is not None}
    if not caches:
        return
    if len(set(named.values())) > 1:
        told = ', '.join(f'{key}={path}' for key, path in named.items())
        yield f'the same token cache must stand in the model and in its images, now {told}'
        return
    path = caches.pop()
    if not (Path(path).expanduser() / 'meta.json').is_file():
        command = (cfg.get('made_by') or {}).get(path)
        mend = f'Make it with: {command}' if command else (
            'Make it with: python tools/cache_tokens.py CONFIG')
        keys = ' '.join(f'{key}=PATH' for key in named)
        yield f"token cache '{path}' does not exist. {mend}, or name your own: --cfg-options {keys}"


def _check_checkpoints(cfg: Config, stage: str) -> list[str]:
    wanted = [] if cfg.get('load_from') is None else [
        ('resume' if cfg.get('resume') else 'load_from', cfg.load_from)]
    wanted += _checkpoints_of(cfg.get('model'), 'model', with_init=stage == 'train')
    evaluator = 'val_evaluator' if stage == 'train' else 'test_evaluator'
    wanted += _checkpoints_of(cfg.get(evaluator), evaluator, with_init=False)
    problems = {}
    for key, path in wanted:
        if '://' in path or Path(path).expanduser().is_file():
            continue
        command = (cfg.get('made_by') or {}).get(path)
        mend = f'Make it with: {command}' if command else 'Check the path'
        option = f', or name your own: --cfg-options {key}=PATH' if '.' in key else ''
        problems[path] = f"checkpoint '{path}' ({key}) does not exist. {mend}{option}"
    return list(problems.values())


def _checkpoints_of(node: Any, here: str, with_init: bool) -> list[tuple[str, str]]:
    """Find every checkpoint path that building (and initialising) a model reads."""
    if isinstance(node, (list, tuple)):
        return [found for index, child in enumerate(node)
                for found in _checkpoints_of(child, f'{here}.{index}', with_init)]
    if not isinstance(node, dict):
        return []
    found = []
    for key, value in node.items():
        if key == 'init_cfg' and not with_init:
            continue
        if isinstance(value, str) and (key == 'checkpoint' or key.endswith('_checkpoint')):
            found.append((f'{here}.{key}', value))
        else:
            found += _checkpoints_of(value, f'{here}.{key}', with_init)
    return found
