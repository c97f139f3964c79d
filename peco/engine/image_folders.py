"""Find the image folders that a config reads, without building a data set."""

from __future__ import annotations

from pathlib import Path


def image_folder(dataset: dict) -> Path | None:
    """Return the folder of a ``peco.ImageFolder`` config.

    Args:
        dataset: Config of a data set.

    Returns:
        The folder, as written in the config; None for other data sets, annotation files and
        folders that are not on this machine.
    """
    root, prefix = dataset.get('data_root') or '', dataset.get('data_prefix') or ''
    is_folder = str(dataset.get('type')).split('.')[-1] == 'ImageFolder'
    if not is_folder or dataset.get('ann_file') or not (root or prefix):
        return None
    if not all(isinstance(part, str) and '://' not in part for part in (root, prefix)):
        return None
    return Path(root, prefix)
