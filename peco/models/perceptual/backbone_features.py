"""Perceptual features of any registered backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from peco.registry import MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.utils.load_exactly import load_exactly

from .feature_network import FeatureNetwork, require_weights


@MODELS.register_module()
class BackboneFeatures(FeatureNetwork):
    """Feature maps of a registered backbone, for instance of mmpretrain's or ``peco.PeCoViT``.

    Args:
        backbone: Config of the backbone; its ``out_indices`` choose the depths, and a vision
            transformer needs ``out_type='featmap'``.
        mean: Channel means that the backbone was trained with, RGB, in units of [0, 1].
        std: Channel deviations, likewise.
        checkpoint: Local file: a state dict of the backbone, or a checkpoint of a model that
            holds it as ``backbone``. It must fit exactly.
        allow_random: Permit random weights when ``checkpoint`` is None.

    Raises:
        FileNotFoundError: If the checkpoint is missing.
        ValueError: If it does not fit, or none is given without ``allow_random``.

    Example:
        >>> import torch
        >>> from peco.models.perceptual import BackboneFeatures
        >>> f = BackboneFeatures(
        ...     dict(type='mmpretrain.ResNet_CIFAR', depth=18, out_indices=(0, 1, 2, 3)),
        ...     mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), allow_random=True)
        >>> [tuple(feature.shape) for feature in f(torch.rand(1, 3, 32, 32))]
        [(1, 64, 32, 32), (1, 128, 16, 16), (1, 256, 8, 8), (1, 512, 4, 4)]
    """

    def __init__(self,
                 backbone: dict,
                 mean: Sequence[float],
                 std: Sequence[float],
                 checkpoint: str | None = None,
                 allow_random: bool = False) -> None:
        super().__init__(mean, std)
        require_weights(checkpoint, allow_random, f'The perceptual network {backbone["type"]}')
        self.backbone = MODELS.build(backbone)
        if checkpoint is not None:
            loaded = load_checkpoint(checkpoint)
            state = loaded.get('state_dict', loaded)
            prefix = 'backbone.'
            if any(name.startswith(prefix) for name in state):
                state = {name[len(prefix):]: value for name, value in state.items()
                         if name.startswith(prefix)}
            load_exactly(self.backbone, state, checkpoint)
        self.requires_grad_(False).eval()

    def features(self, x: torch.Tensor) -> Sequence[torch.Tensor]:
        """Feature maps of normalised images ``(B, 3, H, W)``."""
        return self.backbone(x)
