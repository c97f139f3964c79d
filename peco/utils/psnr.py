"""Peak signal-to-noise ratio, image by image."""

import torch
from torch import Tensor

# Identical images would score infinity and spoil a mean: cap at 100 dB.
_MIN_ERROR = 1e-10


def psnr(image: Tensor, reference: Tensor,
         value_range: tuple[float, float] = (0., 1.)) -> Tensor:
    """PSNR in dB; the values of the reference are taken on trust, so that no GPU has to wait.

    Args:
        image: ``(..., C, H, W)``; clamped to ``value_range``.
        reference: Same shape, in ``value_range``.
        value_range: Least and greatest value of an image.

    Returns:
        ``(...)``, at most 100 dB.

    Raises:
        ValueError: If the shapes differ.
    """
    if image.shape != reference.shape:
        raise ValueError(f'shapes differ: {tuple(image.shape)} and {tuple(reference.shape)}')
    low, high = value_range
    # fp32 at least: half precision would round the squares.
    dtype = torch.promote_types(image.dtype, torch.float32)
    error = (image.to(dtype).clamp(low, high) - reference.to(dtype)).pow(2).mean(dim=(-3, -2, -1))
    return -10 * torch.log10((error / (high - low)**2).clamp(min=_MIN_ERROR))
