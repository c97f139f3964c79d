"""Perceptual features of a timm model."""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch

from peco.registry import MODELS
from peco.utils.checkpoint import load_checkpoint
from peco.utils.load_exactly import load_exactly

from .feature_network import FeatureNetwork, require_weights


@MODELS.register_module()
class TimmFeatures(FeatureNetwork):
    """Feature maps of a timm convnet or vision transformer, from local weights.

    Args:
        model_name: Name in timm.
        out_indices: Depths, as timm's ``forward_intermediates`` counts them (stages of a convnet,
            blocks of a transformer; negative ones from the end).
        checkpoint: Local file with the weights (``.pth`` or ``.safetensors``); a classifier in it
            is left out.
        mean: Channel means in units of [0, 1]; default those of timm's config of the model.
        std: Channel deviations, likewise.
        model_kwargs: More arguments of ``timm.create_model``, such as ``dict(img_size=64)``.
        allow_random: Permit random weights when ``checkpoint`` is None.

    Raises:
        FileNotFoundError: If the checkpoint is missing.
        ValueError: If timm does not know the model or its features, the checkpoint does not fit,
            or none is given without ``allow_random``.

    Example:
        >>> import torch
        >>> from peco.models.perceptual import TimmFeatures
        >>> f = TimmFeatures('resnet18', out_indices=(1, 2), allow_random=True)
        >>> [tuple(feature.shape) for feature in f(torch.rand(1, 3, 64, 64))]
        [(1, 64, 16, 16), (1, 128, 8, 8)]
    """

    def __init__(self,
                 model_name: str,
                 out_indices: Sequence[int],
                 checkpoint: str | None = None,
                 mean: Sequence[float] | None = None,
                 std: Sequence[float] | None = None,
                 model_kwargs: dict | None = None,
                 allow_random: bool = False) -> None:
        require_weights(checkpoint, allow_random, f'The perceptual network {model_name}')
        if not timm.is_model(model_name):
            raise ValueError(f'timm has no model {model_name!r}; see timm.list_models().')
        model = timm.create_model(model_name, pretrained=False, num_classes=0,
                                  **(model_kwargs or {}))
        if not hasattr(model, 'forward_intermediates'):
            raise ValueError(f"timm's {model_name} cannot give intermediate features (it has no "
                             f'forward_intermediates); choose another model.')
        super().__init__(mean or model.default_cfg['mean'], std or model.default_cfg['std'])
        self.out_indices = list(out_indices)
        if checkpoint is not None:
            load_exactly(model, self._without_classifier(model, checkpoint), checkpoint)
        self.model = model
        self.requires_grad_(False).eval()

    @staticmethod
    def _without_classifier(model: torch.nn.Module, checkpoint: str) -> dict:
        loaded = load_checkpoint(checkpoint)
        state = loaded.get('state_dict', loaded)
        names = model.default_cfg.get('classifier') or ()
        heads = tuple(f'{name}.' for name in ([names] if isinstance(names, str) else names))
        return {name: value for name, value in state.items() if not name.startswith(heads)}

    def features(self, x: torch.Tensor) -> Sequence[torch.Tensor]:
        """Feature maps of normalised images ``(B, 3, H, W)``."""
        return self.model.forward_intermediates(
            x, indices=self.out_indices, intermediates_only=True, output_fmt='NCHW')
