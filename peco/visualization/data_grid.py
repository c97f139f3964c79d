"""What a data set gives a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw

from .image_grid import image_grid, to_uint8
from .masked_prediction_grid import mask_images

_CROP = (220, 40, 40)


def data_grid(views: Sequence[Sequence[np.ndarray]],
              names: Sequence[str],
              files: Sequence[np.ndarray] | None = None,
              boxes: Sequence[tuple[int, ...]] | None = None,
              masks: torch.Tensor | None = None,
              captions: Sequence[str] | None = None,
              title: str = '',
              cell: int = 144) -> np.ndarray:
    """Draw files, the views that were cut out of them, and the patches that are masked.

    Args:
        views: For each sample its views, uint8 RGB ``(H, W, 3)``.
        names: Of the views, for instance ``['view 1', 'view 2']``.
        files: The whole images, uint8 RGB.
        boxes: Crop of each file, ``(x, y, w, h, ...)`` in pixels.
        masks: ``(N, h, w)`` of the first view, 1 = masked.
        captions: A text for each sample, such as its class.
        title: A line above the grid.
        cell: Longer side of a picture in pixels.

    Returns:
        uint8 RGB picture ``(height, width, 3)``.

    Example:
        >>> image = np.zeros((8, 8, 3), np.uint8)
        >>> data_grid([[image], [image]], ['input'], captions=['cat', 'dog']).shape[2]
        3
    """
    rows, labels = [], []
    if files is not None and boxes is not None:
        rows.append([_with_crop(file, box) for file, box in zip(files, boxes, strict=True)])
        labels.append('file\nand crop')
    elif files is not None:
        rows.append(list(files))
        labels.append('file')
    rows += [list(row) for row in zip(*views, strict=True)]
    labels += names
    texts: list[Sequence[str] | None] = [None] * len(rows)
    if masks is not None:
        rows.append([
            to_uint8(mask_images(
                torch.from_numpy(of_sample[0]).permute(2, 0, 1)[None] / 255, mask[None]))[0]
            for of_sample, mask in zip(views, masks, strict=True)])
        labels.append('masked')
        texts.append([f'{mask.float().mean():.0%} masked' for mask in masks])
    if captions is not None:
        texts[0] = list(captions)
    return image_grid(rows, labels, texts, title=title, cell=cell)


def _with_crop(image: np.ndarray, box: Sequence[int]) -> np.ndarray:
    x, y, w, h = box[:4]
    picture = Image.fromarray(image)
    ImageDraw.Draw(picture).rectangle(
        (x, y, x + w - 1, y + h - 1), outline=_CROP, width=max(1, max(picture.size) // 100))
    return np.asarray(picture)
