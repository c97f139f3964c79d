"""Decoder from codes to a feature map."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import nn

from peco.registry import MODELS

from .blocks import ResidualBlock, group_norm, normed_silu, run_blocks


@MODELS.register_module()
class FeatureDecoder(BaseModule):
    """Grid of codes to features at the same places: a few residual blocks.

    Args:
        in_channels: Channels of a code.
        out_channels: Channels of the features.
        channels: Channels in between.
        num_res_blocks: Residual blocks; few, so that the codes have to hold what is learned.
        init_cfg: See mmengine's ``BaseModule``.

    Example:
        >>> import torch
        >>> from peco.models.tokenizers import FeatureDecoder
        >>> FeatureDecoder(16, out_channels=24, channels=32)(torch.rand(1, 16, 8, 8)).shape
        torch.Size([1, 24, 8, 8])
    """

    def __init__(self, in_channels: int, out_channels: int, channels: int = 128,
                 num_res_blocks: int = 1, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stem = nn.Conv2d(in_channels, channels, 1)
        self.blocks = nn.ModuleList(
            ResidualBlock(channels, channels) for _ in range(num_res_blocks))
        self.norm = group_norm(channels)
        self.head = nn.Conv2d(channels, out_channels, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Decode codes ``(B, in_channels, h, w)`` to features ``(B, out_channels, h, w)``."""
        h = run_blocks(self.blocks, self.stem(z), with_cp=False)
        return self.head(normed_silu(self.norm, h))
