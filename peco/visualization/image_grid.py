"""A labelled grid of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from peco.utils.whole_file import whole_file

_MARGIN, _GAP, _TEXT = 12, 6, 12
_INK, _PAPER = (34, 34, 34), (255, 255, 255)


def to_uint8(images: torch.Tensor | np.ndarray | Sequence) -> np.ndarray:
    """Turn a batch of RGB images into bytes.

    Args:
        images: Float ``(N, 3, H, W)`` in [0, 1] (values outside are clipped), or uint8
            ``(N, H, W, 3)``, which is returned as it is.

    Returns:
        uint8 ``(N, H, W, 3)``.

    Raises:
        ValueError: Another shape.
    """
    if not isinstance(images, (torch.Tensor, np.ndarray)):
        images = torch.stack([torch.as_tensor(image) for image in images])
    array = images.detach().float().cpu().numpy() if isinstance(images, torch.Tensor) and (
        images.dtype != torch.uint8) else np.asarray(images)
    if array.ndim == 4 and array.dtype == np.uint8 and array.shape[-1] == 3:
        return array
    if array.ndim != 4 or array.shape[1] != 3 or array.dtype == np.uint8:
        raise ValueError('pictures must be float (N, 3, H, W) in [0, 1] or uint8 (N, H, W, 3), got '
                         f'{array.dtype} {array.shape}')
    return np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def image_grid(rows: Sequence[np.ndarray],
               labels: Sequence[str],
               captions: Sequence[Sequence[str] | None] | None = None,
               caption_colors: Sequence[Sequence[tuple[int, int, int]] | None] | None = None,
               title: str = '',
               cell: int = 144) -> np.ndarray:
    """Draw rows of pictures, one label a row and, where given, one caption a picture.

    Args:
        rows: For each row uint8 ``(N, H, W, 3)``, with one N; sizes may differ from row to row.
        labels: One for each row; a line break starts a second line.
        captions: For each row None or N short texts below the pictures.
        caption_colors: For each row None or the N colours of the captions.
        title: A line above the grid.
        cell: Longer side of a picture in pixels. Small pictures grow without blur.

    Returns:
        uint8 ``(height, width, 3)``.

    Raises:
        ValueError: No picture, or rows of different lengths.
    """
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or 0 in lengths or len(labels) != len(rows):
        raise ValueError(f'a grid needs rows of one length and a label each, got rows of '
                         f'{[len(row) for row in rows]} and {len(labels)} labels')
    captions = captions or [None] * len(rows)
    caption_colors = caption_colors or [None] * len(rows)
    font = _font(_TEXT)
    pictures = [[_fit(picture, cell) for picture in row] for row in rows]
    width = max(picture.width for row in pictures for picture in row)
    heights = [max(picture.height for picture in row) for row in pictures]
    label_width = max((int(font.getlength(line)) for label in labels for line in label.split('\n')),
                      default=0)
    left = _MARGIN + (label_width + _MARGIN if label_width else 0)
    top = _MARGIN + (_TEXT + _MARGIN if title else 0)
    below = [_TEXT + 6 if texts is not None else 0 for texts in captions]
    title_font = _font(_TEXT + 2)
    right = max(left + len(rows[0]) * (width + _GAP) - _GAP,
                _MARGIN + int(title_font.getlength(title)))
    bottom = top + sum(heights) + sum(below) + _GAP * (len(rows) - 1)
    sheet = Image.new('RGB', (right + _MARGIN, bottom + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), title, fill=_INK, font=title_font)
    for row, texts, colors, height, extra, label in zip(
            pictures, captions, caption_colors, heights, below, labels, strict=True):
        draw.multiline_text((_MARGIN, top + height / 2), label, fill=_INK, font=font, anchor='lm',
                            spacing=2)
        for column, picture in enumerate(row):
            x = left + column * (width + _GAP)
            sheet.paste(picture, (x + (width - picture.width) // 2, top))
            if texts is not None:
                text = _shorten(texts[column], font, width)
                draw.text((x + width / 2, top + height + 3), text, font=font, anchor='mt',
                          fill=colors[column] if colors is not None else _INK)
        top += height + extra + _GAP
    return np.asarray(sheet)


def save_picture(picture: np.ndarray, path: str | Path) -> Path:
    """Write a PNG as a :func:`whole_file`."""
    with whole_file(path) as unfinished:
        Image.fromarray(picture).save(unfinished, format='PNG')
    return Path(path)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # Pillow's own font knows few characters; matplotlib's comes with it and knows most.
    return ImageFont.truetype(str(Path(get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'), size)


def _fit(picture: np.ndarray, cell: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = cell / max(image.size)
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return image.resize(size, Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS)


def _shorten(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + '…') > width:
        text = text[:-1]
    return text + '…'
