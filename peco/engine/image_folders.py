"""Find the image folders that a config reads, without building a data set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peco.datasets.image_folder import IMAGE_EXTENSIONS


def image_folder(dataset: dict) -> Path | None:
    """Return the folder of a ``peco.ImageFolder`` config.

    Args:
        dataset: Config of a data set.

    Returns:
        The folder, as written in the config; None for other data sets, annotation files and
        folders that are not on this machine.
    """
    root, prefix = dataset.get('data_root') or '', dataset.get('data_prefix') or ''
    if not _is_image_folder(dataset) or dataset.get('ann_file') or not (root or prefix):
        return None
    if not all(isinstance(part, str) and '://' not in part for part in (root, prefix)):
        return None
    return Path(root, prefix)


def image_folder_configs(node: Any, here: str = 'dataset') -> Iterator[tuple[str, dict]]:
    """Find every ``peco.ImageFolder`` of a data set config, also inside wrappers.

    Args:
        node: Config of a data set, or a list of them.
        here: Its config key.

    Yields:
        Config key and config of each.
    """
    if isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from image_folder_configs(child, f'{here}.{index}')
    if not isinstance(node, dict):
        return
    for key in ('dataset', 'datasets'):
        yield from image_folder_configs(node.get(key), f'{here}.{key}')
    if _is_image_folder(node):
        yield here, node


def unlabelled_folder(dataset: dict) -> Path | None:
    """Return the folder of a ``peco.ImageFolder`` config that wants labels and can have none.

    Args:
        dataset: Config of the data set.

    Returns:
        The folder, which holds images but none in class folders; None where all is well, or
        where nothing can be told.
    """
    folder = image_folder(dataset)
    if folder is None or not dataset.get('with_label', True) or not folder.expanduser().is_dir():
        return None
    children = [child for child in folder.expanduser().iterdir() if child.is_dir()]
    if any(holds_image(child, dataset) for child in children):
        return None
    return folder if holds_image(folder, dataset) else None


def use_test_mode(loader: dict) -> None:
    """Make the image folders of an evaluation's data loader refuse unreadable images.

    In training mode another image would take the place of an unreadable one, and every figure
    would be wrong unnoticed.

    Args:
        loader: Config of a data loader, changed in place.
    """
    for _, dataset in image_folder_configs(loader.get('dataset')):
        dataset['test_mode'] = True


def holds_image(folder: Path, dataset: dict) -> bool:
    """Look for one image: a large folder is not read to its end.

    Args:
        folder: Where to look, at any depth.
        dataset: Config of the data set, which may name file extensions of its own.
    """
    endings = tuple(ending.lower() for ending in dataset.get('extensions') or IMAGE_EXTENSIONS)
    walk = os.walk(folder.expanduser(), followlinks=True)
    return any(name.lower().endswith(endings) for _, _, names in walk for name in names)


def is_dataset(dataset: dict | None, name: str) -> bool:
    """Whether a config is of a data set of that name, with or without a scope."""
    return str((dataset or {}).get('type')).split('.')[-1] == name


def _is_image_folder(dataset: dict) -> bool:
    return is_dataset(dataset, 'ImageFolder')
