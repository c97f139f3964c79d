"""PeCo's perceptual loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from peco.registry import MODELS

from ..utils.frozen import Frozen
from .base_perceptual_loss import BasePerceptualLoss
from .unit_channels import unit_channels


@MODELS.register_module()
class PerceptualLoss(BasePerceptualLoss):
    """Squared distance of deep features at several depths (PeCo, section 3).

    ``sum_l |f_l(x) - f_l(x_hat)|^2 / (C_l H_l W_l)``, averaged over the batch, where f is a
    frozen network trained without labels.

    Args:
        network: Config of f: ``peco.PerceptualNetwork``, ``peco.BackboneFeatures`` or
            ``peco.TimmFeatures`` (or a module that gives a list of feature maps).
        normalize_channels: Scale the feature vector at each place to a mean square of 1 first. A
            depth's term is then the squared distance of unit vectors, averaged over places (in
            [0, 4]), as in LPIPS: without it f's scale sets the weight of the loss.
        layer_weights: Weight of each depth; default 1.
        weight, input_range: See :class:`BasePerceptualLoss`.

    Example:
        >>> import torch
        >>> from peco.models.perceptual import PerceptualLoss
        >>> loss = PerceptualLoss(dict(type='peco.TimmFeatures', model_name='resnet18',
        ...                            out_indices=(1, 2), allow_random=True))
        >>> x = torch.rand(2, 3, 32, 32)
        >>> loss(x, x), loss.distance(x, 1 - x).shape, len(loss.state_dict())
        (tensor(0.), torch.Size([2]), 0)
    """

    def __init__(self,
                 network: dict | nn.Module,
                 weight: float = 1.,
                 normalize_channels: bool = False,
                 input_range: tuple[float, float] = (0., 1.),
                 layer_weights: Sequence[float] | None = None) -> None:
        super().__init__(weight, input_range)
        self.network = Frozen(MODELS.build(network) if isinstance(network, dict) else network)
        self.normalize_channels = normalize_channels
        self.layer_weights = layer_weights

    def _distances(self, x: torch.Tensor, x_hat: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            targets = self.network(x)
        features = self.network(x_hat)
        weights = self.layer_weights or [1.] * len(features)
        if len(weights) != len(features):
            raise ValueError(f'layer_weights has {len(weights)} values, but the network gives '
                             f'{len(features)} depths.')
        return sum(weight * self._mean_square(target, feature)
                   for weight, target, feature in zip(weights, targets, features, strict=True))

    def _mean_square(self, target: torch.Tensor, feature: torch.Tensor) -> torch.Tensor:
        # fp32 at least: under autocast the features are of half precision.
        dtype = torch.promote_types(feature.dtype, torch.float32)
        target, feature = target.to(dtype), feature.to(dtype)
        if self.normalize_channels:
            # The root of C turns norm 1 into mean square 1.
            scale = feature.shape[1]**0.5
            target, feature = unit_channels(target) * scale, unit_channels(feature) * scale
        return (feature - target).square().flatten(1).mean(1)
