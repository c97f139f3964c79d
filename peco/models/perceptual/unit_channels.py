"""Channel normalisation of feature maps."""

from __future__ import annotations

import torch


def unit_channels(feature: torch.Tensor, eps: float = 1e-10) -> torch.Tensor:
    """Scale the vector at each place to norm 1.

    The epsilon stands under the root, so that the gradient is finite at a zero vector.

    Args:
        feature: ``(B, C, h, w)``.
        eps: Added to the squared norm.

    Returns:
        ``(B, C, h, w)``.
    """
    return feature * torch.rsqrt(feature.square().sum(1, keepdim=True) + eps)
