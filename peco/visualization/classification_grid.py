"""Images with what a classifier says about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from .image_grid import image_grid, to_uint8

_RIGHT, _WRONG, _UNKNOWN = (20, 120, 40), (190, 30, 30), (34, 34, 34)


def classification_grid(images: torch.Tensor | np.ndarray, predictions: Sequence[int],
                        labels: Sequence[int | None] | None = None,
                        classes: Sequence[str] | None = None,
                        scores: Sequence[float] | None = None,
                        columns: int = 8, title: str = '') -> np.ndarray:
    """Draw images with the predicted class, green where right; where wrong, red with the true one.

    Args:
        images: ``(N, 3, H, W)`` in [0, 1] or uint8 ``(N, H, W, 3)``.
        predictions: Class indices.
        labels: True class indices, where known.
        classes: Names of the classes.
        scores: Probabilities of the predictions.
        columns: Images a row.
        title: A line above the grid.

    Returns:
        uint8 RGB picture ``(height, width, 3)``.
    """
    def name(index: int) -> str:
        return str(classes[index]) if classes is not None and index < len(classes) else str(index)

    pictures = to_uint8(images)
    labels = labels if labels is not None else [None] * len(predictions)
    texts, colors = [], []
    for i, (prediction, label) in enumerate(zip(predictions, labels, strict=True)):
        text = name(prediction) + (f' {scores[i]:.0%}' if scores is not None else '')
        right = label is None or prediction == label
        texts.append(text if right else f'{text} ≠ {name(label)}')
        colors.append(_UNKNOWN if label is None else _RIGHT if right else _WRONG)
    # Blank cells fill the last row.
    rest = -len(pictures) % columns if len(pictures) > columns else 0
    pictures = np.concatenate([pictures, np.full_like(pictures[:1], 255).repeat(rest, axis=0)])
    texts, colors = texts + [''] * rest, colors + [_UNKNOWN] * rest
    parts = [slice(i, i + columns) for i in range(0, len(pictures), columns)]
    return image_grid([pictures[part] for part in parts], [''] * len(parts),
                      [texts[part] for part in parts], [colors[part] for part in parts], title)
