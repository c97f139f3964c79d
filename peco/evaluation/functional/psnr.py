"""Peak signal-to-noise ratio, image by image."""

import torch
from torch import Tensor

# Identical images would score infinity and spoil a mean: cap at 100 dB.
_MIN_ERROR = 1e-10


def psnr(image: Tensor, reference: Tensor) -> Tensor:
    """PSNR in dB of images with values in [0, 1].

    Args:
        image: ``(..., C, H, W)``, clamped to [0, 1].
        reference: Same shape, in [0, 1].

    Returns:
        ``(...)``, at most 100 dB.

    Raises:
        ValueError: If the shapes differ or the reference is out of range.
    """
    if image.shape != reference.shape:
        raise ValueError(f'shapes differ: {tuple(image.shape)} and {tuple(reference.shape)}')
    low, high = reference.min().item(), reference.max().item()
    if low < -1e-4 or high > 1 + 1e-4:
        raise ValueError(f'psnr expects values in [0, 1], got a reference in [{low}, {high}]')
    error = (image.float().clamp(0, 1) - reference.float()).pow(2).mean(dim=(-3, -2, -1))
    return -10 * torch.log10(error.clamp(min=_MIN_ERROR))
