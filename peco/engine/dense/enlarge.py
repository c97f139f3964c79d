"""Small images made large enough to draw on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def enlarge(image: np.ndarray, sample: Any, factor: int) -> tuple[np.ndarray, Any]:
    """Repeat every pixel of an image and of what is known and predicted of it.

    Args:
        image: ``(H, W, 3)``.
        sample: ``DetDataSample`` or ``SegDataSample`` of the image; it is left as it is.
        factor: Times each pixel is repeated in both directions.

    Returns:
        The larger image and sample.
    """
    if factor == 1:
        return image, sample
    sample = sample.clone()
    image = image.repeat(factor, axis=0).repeat(factor, axis=1)
    for name in ('gt_instances', 'pred_instances'):
        if sample.get(name) is None:
            continue
        # A clone of a sample holds the same instances.
        instances = sample.get(name).clone()
        if 'bboxes' in instances:
            instances.bboxes = instances.bboxes * factor
        if 'masks' in instances:
            instances.masks = _enlarge_masks(instances.masks, factor)
        sample.set_field(instances, name)
    for name in ('gt_sem_seg', 'pred_sem_seg'):
        if sample.get(name) is not None:
            # Its data are guarded by their shape, so they are replaced as a whole.
            larger = _repeat(sample.get(name).data, factor)
            sample.set_field(type(sample.get(name))(data=larger), name)
    return image, sample


def _enlarge_masks(masks: Any, factor: int) -> Any:
    if isinstance(masks, torch.Tensor):
        return _repeat(masks, factor)
    if isinstance(masks, np.ndarray):
        return masks.repeat(factor, axis=-2).repeat(factor, axis=-1)
    return masks.resize((masks.height * factor, masks.width * factor))


def _repeat(pixels: torch.Tensor, factor: int) -> torch.Tensor:
    return pixels.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)
