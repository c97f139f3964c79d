"""What a tokenizer keeps of its images."""

from __future__ import annotations

import numpy as np
import torch

from peco.utils.psnr import psnr

from .image_grid import image_grid, to_uint8
from .token_map import token_map


def reconstruction_grid(originals: torch.Tensor, reconstructions: torch.Tensor | None,
                        ids: torch.Tensor | None = None, title: str = '') -> np.ndarray:
    """Draw originals, reconstructions (with their PSNR) and token maps (with their code counts).

    Args:
        originals: ``(N, 3, H, W)`` in [0, 1].
        reconstructions: The same shape; None where the tokens cannot be turned into images.
        ids: Token ids ``(N, h, w)``.
        title: A line above the grid.

    Returns:
        uint8 RGB picture ``(height, width, 3)``.

    Raises:
        ValueError: Shapes that do not fit.
    """
    rows, labels, captions = [to_uint8(originals)], ['original'], [None]
    if reconstructions is not None:
        if originals.shape != reconstructions.shape:
            raise ValueError(f'originals {tuple(originals.shape)} and reconstructions '
                             f'{tuple(reconstructions.shape)} differ in shape')
        rows.append(to_uint8(reconstructions))
        labels.append('reconstruction')
        captions.append([f'{value:.1f} dB' for value in psnr(reconstructions, originals).tolist()])
    if ids is not None:
        if len(ids) != len(originals):
            raise ValueError(f'{len(originals)} originals but ids of {len(ids)} images')
        rows.append(token_map(ids))
        labels.append(f'tokens\n{ids.shape[-2]} × {ids.shape[-1]}')
        captions.append([f'{one.unique().numel()} codes' for one in ids])
    return image_grid(rows, labels, captions, title=title)
