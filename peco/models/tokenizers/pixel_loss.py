"""Pixel term of the tokenizer's loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from peco.registry import MODELS


@MODELS.register_module()
class PixelLoss(nn.Module):
    """Mean absolute (L1) or squared (L2) difference of pixels.

    Whether the paper's pixel term is L1 or L2 is not resolved, so it is a choice here.

    Args:
        norm: ``'L1'`` or ``'L2'``.
        weight: Weight of the term.

    Example:
        >>> import torch
        >>> from peco.models.tokenizers import PixelLoss
        >>> PixelLoss('L2', weight=2.)(torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2))
        tensor(2.)
    """

    def __init__(self, norm: str = 'L1', weight: float = 1.) -> None:
        super().__init__()
        losses = dict(L1=F.l1_loss, L2=F.mse_loss)
        if norm not in losses:
            raise ValueError(f'norm must be one of {tuple(losses)}, got {norm!r}.')
        self.norm = norm
        self.weight = weight
        self._loss = losses[norm]

    def forward(self, x: torch.Tensor, x_hat: torch.Tensor) -> torch.Tensor:
        """Compare in fp32 at least.

        Args:
            x: Images ``(B, 3, H, W)``.
            x_hat: Reconstructions, same shape.

        Returns:
            The weighted loss, a scalar.
        """
        return self.weight * self._loss(x_hat.to(x.dtype), x)
