"""Weights that must belong to a model."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

_SHOWN = 3


def load_exactly(module: nn.Module, state_dict: Mapping[str, Any], source: str) -> None:
    """Load weights that fit exactly.

    Args:
        module: Where to load.
        state_dict: The weights; what is no tensor is unknown.
        source: Their origin, for the message.

    Raises:
        ValueError: If names or shapes differ; the message names the first ones.

    Example:
        >>> from peco.utils.load_exactly import load_exactly
        >>> load_exactly(torch.nn.Linear(2, 3), dict(bias=torch.zeros(3)), 'a.pth')
        Traceback (most recent call last):
        ...
        ValueError: a.pth does not fit this Linear: 1 weights are missing, such as weight. Give ...
    """
    own = module.state_dict()
    tensors = {name: value for name, value in state_dict.items() if isinstance(value, torch.Tensor)}
    missing = sorted(own.keys() - tensors.keys())
    unknown = sorted(state_dict.keys() - own.keys())
    shapes = [f'{name} {tuple(tensors[name].shape)} instead of {tuple(value.shape)}'
              for name, value in own.items()
              if name in tensors and tensors[name].shape != value.shape]
    problems = [f'{len(names)} {title}, such as {", ".join(names[:_SHOWN])}'
                for title, names in (('weights have another shape', shapes),
                                     ('weights are missing', missing),
                                     ('weights are unknown', unknown)) if names]
    if problems:
        raise ValueError(f'{source} does not fit this {type(module).__name__}: '
                         f'{"; ".join(problems)}. Give weights of this architecture, or the '
                         'config that they were trained with.')
    module.load_state_dict(state_dict)
