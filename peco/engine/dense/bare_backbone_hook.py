"""Weights of a backbone alone, loaded into a whole model."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from peco.models.backbones import PeCoViT
from peco.models.backbones.checkpoint_adapter import ANCHOR, WRAPPERS
from peco.registry import HOOKS

from ..hooks.epoch_end import unwrap


@HOOKS.register_module()
class BareBackboneHook(Hook):
    """Let ``load_from`` take the file of a bare :class:`PeCoViT`: timm's or the official BEiT's.

    Their names have no ``backbone.``; torch shows a submodule only what carries its prefix, so
    the names are completed before the model sees them. The weights of other heads go along and
    are reported by mmengine as unexpected. Files that have the prefix are left as they are.

    Example:
        >>> custom_hooks = [dict(type='peco.BareBackboneHook')]
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Complete the names in ``checkpoint``."""
        name_backbone_weights(unwrap(runner.model), checkpoint)


def name_backbone_weights(model: nn.Module, checkpoint: dict) -> None:
    """Give the weights of a bare backbone the names that they have in a model.

    Args:
        model: A model with a :class:`PeCoViT` inside; without one nothing happens.
        checkpoint: What a file holds: weights, or a dict with weights under ``state_dict``,
            ``model`` or ``module``. Changed in place.
    """
    prefix = next((f'{name}.' for name, part in model.named_modules()
                   if isinstance(part, PeCoViT) and name), None)
    key = next((key for key in WRAPPERS
                if isinstance(checkpoint.get(key), Mapping)), None)
    state_dict = checkpoint if key is None else checkpoint[key]
    if prefix is None or ANCHOR not in state_dict:
        return
    named = {prefix + name: value for name, value in state_dict.items()}
    if key is None:
        checkpoint.clear()
    elif key != 'state_dict':
        del checkpoint[key]
    checkpoint['state_dict'] = named
