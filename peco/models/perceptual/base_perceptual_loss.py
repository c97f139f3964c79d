"""What all perceptual losses share."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod

import torch
from torch import nn

from peco.utils.value_range import to_unit

from ..utils.checks import check_images


class BasePerceptualLoss(nn.Module, metaclass=ABCMeta):
    """Distance of two images as a frozen network sees them.

    Gradients reach the reconstruction only. The network stays in eval mode and out of
    ``parameters()`` and ``state_dict()``.

    Args:
        weight: Weight lambda of the term; 0 lets a tokenizer train without it.
        input_range: Least and greatest value of an image; the original is checked against it.
    """

    def __init__(self, weight: float = 1., input_range: tuple[float, float] = (0., 1.)) -> None:
        super().__init__()
        if not input_range[0] < input_range[1]:
            raise ValueError(f'input_range must rise, got {input_range}.')
        self.weight = weight
        self.input_range = tuple(float(value) for value in input_range)

    @abstractmethod
    def _distances(self, x: torch.Tensor, x_hat: torch.Tensor) -> torch.Tensor:
        """Distances ``(B,)`` of images in [0, 1]."""

    def forward(self, x: torch.Tensor, x_hat: torch.Tensor) -> torch.Tensor:
        """Compute the weighted loss.

        Args:
            x: Originals ``(B, 3, H, W)``, RGB in ``input_range``.
            x_hat: Reconstructions, same shape; they may exceed the range.

        Returns:
            ``weight`` times the mean distance, a scalar.

        Raises:
            ValueError: If the originals lie outside the range or the shapes differ.
        """
        return self.weight * self._checked_distances(x, x_hat).mean()

    @torch.no_grad()
    def distance(self, x: torch.Tensor, x_hat: torch.Tensor) -> torch.Tensor:
        """Compute the distance of each pair, without weight and gradient.

        Args:
            x: Originals ``(B, 3, H, W)``, RGB in ``input_range``.
            x_hat: Reconstructions, same shape.

        Returns:
            Distances ``(B,)``.
        """
        return self._checked_distances(x, x_hat)

    def _checked_distances(self, x: torch.Tensor, x_hat: torch.Tensor) -> torch.Tensor:
        check_images(x, self.input_range, 'the perceptual loss')
        if x_hat.shape != x.shape:
            raise ValueError(f'The original has the shape {tuple(x.shape)}, the reconstruction '
                             f'{tuple(x_hat.shape)}.')
        return self._distances(
            to_unit(x.detach(), self.input_range), to_unit(x_hat, self.input_range))
