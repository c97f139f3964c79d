"""Token ids as colours."""

from __future__ import annotations

import colorsys

import numpy as np
import torch

_GOLDEN = 0.6180339887498949


def token_colors(ids: np.ndarray) -> np.ndarray:
    """Give every id a colour that depends on the id alone, so that pictures can be compared.

    Args:
        ids: Integers of any shape, at least 0.

    Returns:
        uint8 RGB, shape of ``ids`` + ``(3,)``.
    """
    known, places = np.unique(ids, return_inverse=True)
    palette = np.array([
        colorsys.hsv_to_rgb((number * _GOLDEN) % 1, 0.45 + 0.5 * ((number * _GOLDEN * 7) % 1),
                            0.55 + 0.45 * ((number * _GOLDEN * 13) % 1))
        for number in known.tolist()
    ]).reshape(-1, 3)
    return np.rint(palette * 255).astype(np.uint8)[places.reshape(ids.shape)]


def token_map(ids: torch.Tensor | np.ndarray) -> np.ndarray:
    """Draw grids of token ids, one pixel a token, one colour an id.

    Args:
        ids: Integers ``(N, h, w)`` or ``(h, w)``.

    Returns:
        uint8 RGB ``(N, h, w, 3)`` or ``(h, w, 3)``.

    Raises:
        ValueError: ids that are no integers, or negative.

    Example:
        >>> token_map(torch.tensor([[0, 1], [1, 0]])).shape
        (2, 2, 3)
    """
    array = ids.detach().cpu().numpy() if isinstance(ids, torch.Tensor) else np.asarray(ids)
    if not np.issubdtype(array.dtype, np.integer) or (array.size and array.min() < 0):
        raise ValueError(f'token ids must be integers from 0, got {array.dtype}'
                         f'{f" with minimum {array.min()}" if array.size else ""}')
    return token_colors(array)
