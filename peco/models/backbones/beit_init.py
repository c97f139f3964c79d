"""Initial weights of BEiT."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from timm.layers import trunc_normal_
from torch import nn


def init_beit_blocks(blocks: nn.ModuleList, others: Iterable[nn.Module] = (),
                     tokens: Iterable[nn.Parameter | None] = (), bound: float = 0.02) -> None:
    """Truncated normal of standard deviation 0.02; residual outputs divided by sqrt(2 layer).

    Args:
        blocks: The transformer blocks.
        others: Further layers to initialise.
        tokens: Parameters to initialise like weights; None is skipped.
        bound: Where the normal is cut.
    """
    for module in [*blocks.modules(), *others]:
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            trunc_normal_(module.weight, std=0.02, a=-bound, b=bound)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for token in tokens:
        if token is not None:
            trunc_normal_(token, std=0.02, a=-bound, b=bound)
    with torch.no_grad():
        for i, block in enumerate(blocks, start=1):
            block.attn.proj.weight.div_(math.sqrt(2. * i))
            block.mlp.fc2.weight.div_(math.sqrt(2. * i))
