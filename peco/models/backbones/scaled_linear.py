"""A linear layer and the layer scale after it, in one product."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def scaled_linear(layer: nn.Linear, x: Tensor, scale: Tensor | None) -> Tensor:
    """``scale * layer(x)``.

    Where there are at least twice as many tokens as weights of a channel, the scale multiplies the
    weights and takes its gradient from theirs. Not so under float16: a layer scale of 1e-5 would
    push weights below the least number that float16 has. A layer that is more than a plain
    ``nn.Linear``, by an adapter or a hook, is called as it is.

    Args:
        layer: The layer; its output has C channels.
        x: Tokens of shape ``(B, N, C_in)``.
        scale: Factors ``(C,)``, or None.

    Returns:
        Tokens of shape ``(B, N, C)``.
    """
    if scale is None:
        return layer(x)
    num_tokens = x.numel() // x.size(-1)
    is_plain = type(layer) is nn.Linear and not (
        layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks)
    if (not is_plain or num_tokens < 2 * layer.in_features
            or _product_dtype(x) == torch.float16):
        return scale * layer(x)
    bias = None if layer.bias is None else scale * layer.bias
    return F.linear(x, scale[:, None] * layer.weight, bias)


def _product_dtype(x: Tensor) -> torch.dtype:
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
