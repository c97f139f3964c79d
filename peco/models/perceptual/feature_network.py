"""What all perceptual networks share."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch
from torch import nn


class FeatureNetwork(nn.Module, metaclass=ABCMeta):
    """Give feature maps of several depths of a network f.

    Args:
        mean: Channel means that f was trained with, RGB, in units of [0, 1].
        std: Channel deviations, likewise.

    Raises:
        ValueError: If mean or std are no three numbers in units of [0, 1].
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        for name, values, least in (('mean', mean, 0.), ('std', std, 1e-6)):
            if len(values) != 3 or not all(least <= value <= 1 for value in values):
                raise ValueError(
                    f'{name} must be three values in units of [0, 1], got {list(values)}; divide '
                    f'by 255 if they are in units of 0-255.')
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    @abstractmethod
    def features(self, x: torch.Tensor) -> Sequence[torch.Tensor]:
        """Feature maps of normalised images ``(B, 3, H, W)``."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Normalise and extract.

        Args:
            x: RGB images ``(B, 3, H, W)`` in [0, 1] (reconstructions may exceed it).

        Returns:
            Feature maps, each ``(B, C_l, h_l, w_l)``, shallow to deep.

        Raises:
            ValueError: If f gives something else than feature maps.
        """
        features = self.features((x - self.mean) / self.std)
        features = [features] if isinstance(features, torch.Tensor) else list(features)
        for index, feature in enumerate(features):
            if not isinstance(feature, torch.Tensor) or feature.ndim != 4:
                got = (f'the shape {tuple(feature.shape)}' if isinstance(feature, torch.Tensor)
                       else f'the type {type(feature).__name__}')
                raise ValueError(f'Output {index} of the perceptual network has {got}, but feature '
                                 f'maps (B, C, h, w) are needed: for a vision transformer set '
                                 f"out_type='featmap'.")
        return features


def require_weights(checkpoint: str | None, allow_random: bool, what: str) -> None:
    """Refuse a random network unless it was asked for.

    Raises:
        ValueError: If there is neither a checkpoint nor ``allow_random``.
    """
    if checkpoint is None and not allow_random:
        raise ValueError(
            f'{what} needs trained weights: set checkpoint to a local file. Train a network '
            f'without labels with mmpretrain\'s algorithms and export it with '
            f'tools/export_perceptual.py, or set allow_random=True to use random weights.')
