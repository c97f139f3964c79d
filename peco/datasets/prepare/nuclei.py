"""The nuclei of the Data Science Bowl 2018 as configs/nuclei reads them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from peco.utils.mask_polygons import mask_polygons
from peco.utils.whole_folder import whole_folder

_NAME_LENGTH = 16  # of the 64 characters of an id
_SMALLEST = 21  # px
_CATEGORY = dict(id=1, name='nucleus')


def find_nuclei(source: str | Path) -> list[Path]:
    """List the folders of ``stage1_train`` that have an image and masks, in order.

    Args:
        source: Folder with ``<id>/images/<id>.png`` and ``<id>/masks/*.png``, a mask a nucleus.

    Raises:
        FileNotFoundError: If there is none.
    """
    folders = sorted(path.parent for path in Path(source).glob('*/masks')
                     if (path.parent / f'images/{path.parent.name}.png').is_file())
    if not folders:
        raise FileNotFoundError(
            f"'{source}' holds no <id>/images/<id>.png with <id>/masks beside it: the source is "
            'stage1_train of the Data Science Bowl 2018, unpacked')
    return folders


def write_nuclei(folders: Collection[Path], out: str | Path,
                 val_images: Collection[str]) -> Iterator[int]:
    """Write ``train/*.png``, ``val/*.png`` and ``annotations/instances_{train,val}.json`` (COCO).

    Nuclei of less than 21 px are left out: mostly what is seen of one at the border.

    Args:
        folders: What :func:`find_nuclei` lists.
        out: The folder, which appears when it is whole.
        val_images: Names of the validation images, the first 16 characters of their ids; all others
            are training images.

    Yields:
        Number of images that are done.

    Raises:
        FileExistsError: If ``out`` is there already.
        ValueError: If a validation image is not among the folders, or none is left for training.

    Example:
        >>> for _ in write_nuclei(find_nuclei('stage1_train'), 'data/nuclei',
        ...                       ['0280fa8f60f6bcae']):  # doctest: +SKIP
        ...     pass
    """
    names = [folder.name[:_NAME_LENGTH] for folder in folders]
    missing = sorted(set(val_images) - set(names))
    if missing:
        raise ValueError(f'{len(missing)} of {len(set(val_images))} validation images are not in '
                         f'the source, {missing[0]!r} first: is it the whole of stage1_train?')
    if not set(names) - set(val_images):
        raise ValueError('every image is a validation image: none is left for training')
    with whole_folder(out) as root:
        coco = {split: _Coco(root, split) for split in ('train', 'val')}
        for done, (folder, name) in enumerate(zip(folders, names, strict=True), 1):
            coco['val' if name in val_images else 'train'].add(folder, name)
            yield done
        for annotations in coco.values():
            annotations.write()


class _Coco:
    """The images and the annotation file of one split."""

    def __init__(self, root: Path, split: str) -> None:
        self.folder = root / split
        self.file = root / f'annotations/instances_{split}.json'
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.folder.mkdir()

    def add(self, folder: Path, name: str) -> None:
        """Write an image, and note what its masks show."""
        image = Image.open(folder / f'images/{folder.name}.png').convert('RGB')
        image.save(self.folder / f'{name}.png')
        self.images.append(dict(id=len(self.images) + 1, file_name=f'{name}.png',
                                width=image.width, height=image.height))
        for path in sorted((folder / 'masks').glob('*.png')):
            mask = np.array(Image.open(path).convert('L')) > 0
            if mask.shape != (image.height, image.width):
                raise ValueError(f"'{path}' has the shape {mask.shape}, its image "
                                 f'{(image.height, image.width)}')
            if (area := int(mask.sum())) >= _SMALLEST:
                self.annotations.append(dict(
                    id=len(self.annotations) + 1, image_id=len(self.images),
                    category_id=_CATEGORY['id'], iscrowd=0, area=area,
                    bbox=list(cv2.boundingRect(mask.astype(np.uint8))),
                    segmentation=mask_polygons(mask)))

    def write(self) -> None:
        """Write the annotation file."""
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(json.dumps(dict(
            images=self.images, annotations=self.annotations, categories=[_CATEGORY])))
