"""A data set of torchvision as class folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peco.utils.whole_folder import whole_folder

_DIGITS = 4


def write_class_folders(dataset: Any, out: str | Path, suffix: str = 'png') -> Iterator[int]:
    """Write ``out/<class>/<number>.<suffix>`` in the order of the data set.

    Args:
        dataset: ``(PIL image, label)`` pairs with ``classes``, their names.
        out: The folder, which appears when it is whole.
        suffix: ``'png'``, without loss, or ``'jpg'``, of Pillow's usual quality (75).

    Yields:
        Number of images that are done.

    Raises:
        FileExistsError: If the folder is there already.

    Example:
        >>> from torchvision.datasets import CIFAR10
        >>> for _ in write_class_folders(CIFAR10('data'), 'data/cifar10/train'):  # doctest: +SKIP
        ...     pass
    """
    with whole_folder(out) as folder:
        for name in dataset.classes:
            (folder / name).mkdir()
        numbers: Counter[int] = Counter()
        for done, (image, label) in enumerate(dataset, 1):
            name = f'{numbers[label]:0{_DIGITS}d}.{suffix}'
            image.save(folder / dataset.classes[label] / name)
            numbers[label] += 1
            yield done
