"""Check that all labelled folders of a run number their classes alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config

from .image_folders import image_folder


def check_classes(cfg: Config, loaders: Iterable[str]) -> list[str]:
    """Return what is wrong with the class folders of a run, one plain line each.

    An image folder numbers its classes by the sorted names of its sub-folders. Where the folders
    of two data sets differ, the same number means different classes, and an accuracy means nothing.

    Args:
        cfg: The complete config.
        loaders: Names of the data loaders that the run will use.
    """
    found = [item for name in loaders for item in _folders((cfg.get(name) or {}).get('dataset'))]
    if not found:
        return []
    (first, classes), *others = found
    problems = []
    for folder, names in others:
        if names != classes:
            different = sorted(set(names) ^ set(classes))[:5]
            problems.append(
                f"class folders of '{folder}' ({len(names)}) and '{first}' ({len(classes)}) "
                f'differ, first of all in {different}: the labels would not mean the same. '
                'Give both the same sub-folders, empty ones included')
    model = cfg.get('model') or {}
    # A pretraining head counts codes, not classes.
    is_classifier = str(model.get('type')).split('.')[-1] == 'ImageClassifier'
    wanted = (model.get('head') or {}).get('num_classes') if is_classifier else None
    if not problems and wanted is not None and wanted != len(classes):
        problems.append(
            f"'{first}' has {len(classes)} class folders, model.head.num_classes is {wanted}: set "
            f'--cfg-options model.head.num_classes={len(classes)} '
            f'(and data_preprocessor.num_classes where there is one)')
    return list(dict.fromkeys(problems))


def _folders(node: Any) -> Iterator[tuple[str, list[str]]]:
    """Folder and class names of every labelled ``ImageFolder`` below a dataset config."""
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _folders(child)
    if not isinstance(node, dict):
        return
    for key in ('dataset', 'datasets'):
        yield from _folders(node.get(key))
    folder = image_folder(node)
    if folder is not None and node.get('with_label', True) and folder.expanduser().is_dir():
        yield str(folder), sorted(
            child.name for child in folder.expanduser().iterdir() if child.is_dir())
