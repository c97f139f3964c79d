"""Convolutional decoder of the tokenizer."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import nn

from peco.registry import MODELS

from .blocks import (
    ResidualBlock,
    SpatialAttention,
    Upsample,
    group_norm,
    normed_silu,
    quick_layout,
    resolve_levels,
    run_blocks,
)


@MODELS.register_module()
class ConvDecoder(BaseModule):
    """Grid of codes to an image: :class:`ConvEncoder` mirrored.

    It takes the encoder's arguments with the same values, levels numbered from the highest
    resolution as there, with ``in_channels`` and ``out_channels`` exchanged. A level has one
    residual block more than ``num_res_blocks``, as in VQGAN.

    Example:
        >>> import torch
        >>> from peco.models.tokenizers import ConvDecoder
        >>> decoder = ConvDecoder(base_channels=8, channel_mult=(1, 2, 4), in_channels=16)
        >>> decoder.stride, decoder(torch.rand(1, 16, 8, 8)).shape
        (4, torch.Size([1, 3, 32, 32]))
    """

    def __init__(self,
                 out_channels: int = 3,
                 base_channels: int = 128,
                 channel_mult: tuple[int, ...] = (1, 1, 2, 2, 4),
                 num_res_blocks: int = 2,
                 attn_levels: tuple[int, ...] = (-1, ),
                 in_channels: int = 256,
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

        channels = base_channels * channel_mult[-1]
        self.stem = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.blocks = nn.ModuleList([ResidualBlock(channels, channels, dropout)])
        if levels - 1 in attended:
            self.blocks.append(SpatialAttention(channels))
        self.blocks.append(ResidualBlock(channels, channels, dropout))
        for level in reversed(range(levels)):
            for _ in range(num_res_blocks + 1):
                width = base_channels * channel_mult[level]
                self.blocks.append(ResidualBlock(channels, width, dropout))
                channels = width
                if level in attended:
                    self.blocks.append(SpatialAttention(channels))
            if level > 0:
                self.blocks.append(Upsample(channels))
        self.norm = group_norm(channels)
        self.head = nn.Conv2d(channels, out_channels, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Decode.

        Args:
            z: Codes ``(B, in_channels, h, w)``.

        Returns:
            Images ``(B, out_channels, h * stride, w * stride)``, unbounded.
        """
        h = run_blocks(self.blocks, self.stem(quick_layout(z)), self.with_cp)
        return self.head(normed_silu(self.norm, h)).contiguous()
