"""A network that a model uses but never owns."""

from __future__ import annotations

import torch
from torch import nn


class Frozen(nn.Module):
    """Hold a network outside the parameter tree, for good in eval mode and without gradient.

    The network moves with ``.to()`` but has no share in ``parameters()`` (so no optimizer and no
    DDP bucket sees it), in ``state_dict()`` (so no checkpoint carries it), in ``train()``
    (so no batch statistics and no codebook EMA move) or in ``deepcopy`` (so an average of the
    weights does not copy it).

    Args:
        module: The network to freeze, in place.

    Example:
        >>> import torch
        >>> from peco.models.utils import Frozen
        >>> frozen = Frozen(torch.nn.Linear(2, 2)).train()
        >>> len(list(frozen.parameters())), len(frozen.state_dict()), frozen.module.training
        (0, 0, False)
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        module.requires_grad_(False).eval()
        # A list hides the network from nn.Module's bookkeeping.
        self._held = [module]

    @property
    def module(self) -> nn.Module:
        """The network itself."""
        return self._held[0]

    def train(self, mode: bool = True) -> Frozen:
        """Keep the network in eval mode whatever ``mode`` says."""
        super().train(mode)
        self.module.eval()
        return self

    def forward(self, *args, **kwargs) -> torch.Tensor:
        """Call the network; gradients may pass through it, never into it."""
        return self.module(*args, **kwargs)

    def _apply(self, fn, recurse: bool = True) -> Frozen:
        super()._apply(fn, recurse)
        self.module._apply(fn)
        return self

    def __deepcopy__(self, memo: dict) -> Frozen:
        memo[id(self)] = self
        return self
