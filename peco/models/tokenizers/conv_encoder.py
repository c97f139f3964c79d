"""Convolutional encoder of the tokenizer."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import nn

from peco.registry import MODELS

from .blocks import (
    Downsample,
    ResidualBlock,
    SpatialAttention,
    group_norm,
    normed_silu,
    quick_layout,
    resolve_levels,
    run_blocks,
)


@MODELS.register_module()
class ConvEncoder(BaseModule):
    """Image to a grid of vectors: residual blocks at falling resolution.

    The family is that of VQGAN's f16 encoder (Esser et al. 2021), which PeCo's tokenizer
    resembles: level i has ``base_channels * channel_mult[i]`` channels and half the resolution of
    the level before, so the stride is ``2 ** (len(channel_mult) - 1)``.

    Args:
        in_channels: Channels of the image.
        base_channels: Channel unit.
        channel_mult: Multiple of the unit at each level, highest resolution first.
        num_res_blocks: Residual blocks at each level.
        attn_levels: Levels whose residual blocks are followed by self-attention; -1 is the
            lowest resolution, which also has attention in its middle block if named here.
        out_channels: Channels of the output vectors (the quantizer's ``code_dim``).
        dropout: Dropout rate in the residual blocks.
        with_cp: Recompute the blocks in the backward pass, for less memory.
        init_cfg: See mmengine's ``BaseModule``.

    Example:
        >>> import torch
        >>> from peco.models.tokenizers import ConvEncoder
        >>> encoder = ConvEncoder(base_channels=8, channel_mult=(1, 2, 4), out_channels=16)
        >>> encoder.stride, encoder(torch.rand(1, 3, 32, 32)).shape
        (4, torch.Size([1, 16, 8, 8]))
    """

    def __init__(self,
                 in_channels: int = 3,
                 base_channels: int = 128,
                 channel_mult: tuple[int, ...] = (1, 1, 2, 2, 4),
                 num_res_blocks: int = 2,
                 attn_levels: tuple[int, ...] = (-1, ),
                 out_channels: int = 256,
                 dropout: float = 0.,
                 with_cp: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        levels = len(channel_mult)
        attended = resolve_levels(attn_levels, levels)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride = 2**(levels - 1)
        self.with_cp = with_cp

        channels = base_channels * channel_mult[0]
        self.stem = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.blocks = nn.ModuleList()
        for level, mult in enumerate(channel_mult):
            for _ in range(num_res_blocks):
                self.blocks.append(ResidualBlock(channels, base_channels * mult, dropout))
                channels = base_channels * mult
                if level in attended:
                    self.blocks.append(SpatialAttention(channels))
            if level < levels - 1:
                self.blocks.append(Downsample(channels))
        self.blocks.append(ResidualBlock(channels, channels, dropout))
        if levels - 1 in attended:
            self.blocks.append(SpatialAttention(channels))
        self.blocks.append(ResidualBlock(channels, channels, dropout))
        self.norm = group_norm(channels)
        self.head = nn.Conv2d(channels, out_channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encode.

        Args:
            x: Images ``(B, in_channels, H, W)``; H and W are multiples of the stride.

        Returns:
            Vectors ``(B, out_channels, H / stride, W / stride)``.
        """
        h = run_blocks(self.blocks, self.stem(quick_layout(x)), self.with_cp)
        return self.head(normed_silu(self.norm, h))
