"""What a masked model imagines behind the mask."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from .image_grid import image_grid, to_uint8
from .token_map import token_map

_GRAY = 0.6


def mask_images(images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Paint masked patches gray.

    Args:
        images: ``(N, 3, H, W)`` in [0, 1].
        masks: ``(N, h, w)``, 1 = masked.

    Returns:
        The painted images.
    """
    if masks.ndim != 3 or len(masks) != len(images):
        raise ValueError(f'masks {tuple(masks.shape)} do not belong to images '
                         f'{tuple(images.shape)}')
    cover = F.interpolate(masks[:, None].to(images), images.shape[-2:], mode='nearest')
    return images * (1 - cover) + _GRAY * cover


def masked_prediction_grid(originals: torch.Tensor, masks: torch.Tensor, predicted: torch.Tensor,
                           true: torch.Tensor | None = None, accuracy: list[float] | None = None,
                           title: str = '') -> np.ndarray:
    """Draw originals, masked inputs, and the prediction.

    Args:
        originals: ``(N, 3, H, W)`` in [0, 1].
        masks: ``(N, h, w)``, 1 = masked.
        predicted: The predicted tokens decoded, ``(N, 3, H, W)``, or, where they cannot be turned
            into images, their ids ``(N, h, w)``.
        true: The true tokens likewise, the best that a prediction can look like.
        accuracy: Share of right tokens among the masked, in per cent, for each image.
        title: A line above the grid.

    Returns:
        uint8 RGB picture ``(height, width, 3)``.
    """
    shares = masks.float().flatten(1).mean(1).tolist()
    draw, how = (token_map, '') if predicted.ndim == 3 else (to_uint8, ', decoded')
    rows = [to_uint8(originals), to_uint8(mask_images(originals, masks)), draw(predicted)]
    labels = ['original', 'masked input', f'predicted\ntokens{how}']
    hits = None if accuracy is None else [f'{value:.0f}% of tokens right' for value in accuracy]
    captions = [None, [f'{share:.0%} masked' for share in shares], hits]
    if true is not None:
        rows.append(draw(true))
        labels.append('true tokens' + how.replace(' ', '\n'))
        captions.append(None)
    return image_grid(rows, labels, captions, title=title)
