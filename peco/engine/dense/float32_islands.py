"""Parts of a model that compute in float32 whatever autocast says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

_MARK = '_is_float32_island'


def add_float32_islands(model: nn.Module) -> None:
    """Keep boxes, logits and RoI features in float32 under mixed precision.

    Two kinds of modules of mmdet and mmseg are found by what they have, so neither package is
    imported:

    - RoI extractors (``roi_layers``) get their feature maps in float32: mmcv's RoIAlign knows no
      bfloat16, and the extractor would round boxes to the type of the maps, by up to 4 px.
    - Heads (``predict_by_feat``) give their outputs in float32, so that losses, box decoding, NMS
      (mmcv's knows no bfloat16 either) and resizing of logits see float32. Their layers are left
      to autocast.

    Without autocast nothing changes. Calling it again changes nothing either.

    Args:
        model: Any model.
    """
    for module in model.modules():
        if hasattr(module, _MARK):
            continue
        if hasattr(module, 'roi_layers'):
            module.register_forward_pre_hook(_inputs_to_float32, with_kwargs=True)
        elif hasattr(module, 'predict_by_feat'):
            # Not a hook: mmseg's decode heads call forward() of themselves, which no hook sees.
            module.forward = partial(_float32_output, module.forward)
        else:
            continue
        setattr(module, _MARK, True)


def _inputs_to_float32(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    return _to_float32(args), _to_float32(kwargs)


def _float32_output(forward: Callable, *args: Any, **kwargs: Any) -> Any:
    return _to_float32(forward(*args, **kwargs))


def _to_float32(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
    if isinstance(value, dict):
        return {key: _to_float32(child) for key, child in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_to_float32(child) for child in value)
    return value
