"""Check that labelled folders and everything that counts classes agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config

from ..image_folders import image_folder, image_folder_configs, unlabelled_folder
from ..path_variables import variable_of


def check_classes(cfg: Config, loaders: Iterable[str]) -> list[str]:
    """Return what is wrong with the classes of a run, one plain line each.

    An image folder numbers its classes by the sorted names of its sub-folders. Where the folders
    of two data sets differ, the same number means different classes, and an accuracy means nothing.
    The classifier, its loss, the mixing of images and the metrics count classes as well.

    Args:
        cfg: The complete config.
        loaders: Names of the data loaders that the run will use.
    """
    loaders = tuple(loaders)
    labelled = [(key, dataset) for name in loaders
                for key, dataset in image_folder_configs(
                    (cfg.get(name) or {}).get('dataset'), f'{name}.dataset')
                if dataset.get('with_label', True)]
    problems = list(dict.fromkeys(
        _unlabelled_line(cfg, key, str(folder)) for key, dataset in labelled
        if (folder := unlabelled_folder(dataset)) is not None))
    if problems:
        return problems
    found = list(_class_folders(labelled))
    if not found:
        return []
    (first, classes), *others = found
    for folder, names in others:
        if names != classes:
            different = sorted(set(names) ^ set(classes))[:5]
            problems.append(
                f"class folders of '{folder}' ({len(names)}) and '{first}' ({len(classes)}) "
                f'differ, first of all in {different}: the labels would not mean the same. '
                'Give both the same sub-folders, empty ones included')
    # A pretraining head counts codes, not classes.
    is_classifier = str((cfg.get('model') or {}).get('type')).split('.')[-1] == 'ImageClassifier'
    if not problems and is_classifier:
        problems = [f"'{first}' has {len(classes)} class folders, {key} is {value}: set "
                    f'--cfg-options {key}={mend}'
                    for key, value, mend in _wrong_counts(cfg, loaders, len(classes))]
    return list(dict.fromkeys(problems))


def _unlabelled_line(cfg: Config, key: str, folder: str) -> str:
    option = f'{key}.data_root'
    setting = variable_of(cfg, folder) or option
    return (f"'{folder}' ({option}) has no class folders: this stage needs labels, set {setting} "
            'to a folder with class folders (one sub-folder a class)')


def _class_folders(labelled: list[tuple[str, dict]]) -> Iterator[tuple[str, list[str]]]:
    """Folder and class names of every labelled data set that is there."""
    for _, dataset in labelled:
        folder = image_folder(dataset)
        if folder is not None and folder.expanduser().is_dir():
            yield str(folder), sorted(
                child.name for child in folder.expanduser().iterdir() if child.is_dir())


def _wrong_counts(cfg: Config, loaders: tuple[str, ...],
                  count: int) -> Iterator[tuple[str, Any, int]]:
    """Key, value and right value of each setting that does not fit the number of classes."""
    for key, node in _counting_parts(cfg):
        wanted = node.get('num_classes')
        if wanted is not None and wanted != count:
            yield f'{key}.num_classes', wanted, count
    head = cfg.model.get('head') or {}
    metrics = [('model.head', head)] if head.get('cal_acc') else []
    for name in loaders:
        evaluator = f"{name.removesuffix('_dataloader')}_evaluator"
        metrics += _dicts(cfg.get(evaluator), evaluator)
    for key, node in metrics:
        topk = node.get('topk')
        if topk is not None and max([topk] if isinstance(topk, int) else topk) > count:
            yield f'{key}.topk', topk, 1


def _counting_parts(cfg: Config) -> Iterator[tuple[str, dict]]:
    """Config key and config of each part that may be told a number of classes."""
    model = cfg.model
    head = model.get('head') or {}
    yield from _dicts(head, 'model.head')
    yield from _dicts(head.get('loss'), 'model.head.loss')
    inner = model.get('data_preprocessor')
    preprocessor, key = (inner, 'model.data_preprocessor') if inner is not None else (
        cfg.get('data_preprocessor') or {}, 'data_preprocessor')
    yield from _dicts(preprocessor, key)
    augments = (preprocessor.get('batch_augments') or {}).get('augments')
    yield from _dicts(augments, f'{key}.batch_augments.augments')
    augments = (model.get('train_cfg') or {}).get('augments')
    yield from _dicts(augments, 'model.train_cfg.augments')


def _dicts(node: Any, key: str) -> list[tuple[str, dict]]:
    """A config, or those of a list, with their keys."""
    if isinstance(node, (list, tuple)):
        return [(f'{key}.{index}', child) for index, child in enumerate(node)
                if isinstance(child, dict)]
    return [(key, node)] if isinstance(node, dict) else []
