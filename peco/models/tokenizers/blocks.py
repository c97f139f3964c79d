"""Building blocks of the convolutional encoder and decoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn


def group_norm(channels: int, max_groups: int = 32) -> nn.GroupNorm:
    """Group normalisation with the most groups, up to ``max_groups``, that divide ``channels``."""
    groups = max(g for g in range(1, min(max_groups, channels) + 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels, eps=1e-6)


def normed_silu(norm: nn.GroupNorm, x: torch.Tensor) -> torch.Tensor:
    """``silu(norm(x))``, in one tensor where no gradient needs both."""
    return F.silu(norm(x), inplace=not torch.is_grad_enabled())


def quick_layout(x: torch.Tensor) -> torch.Tensor:
    """The same map ``(B, C, H, W)`` in the memory layout that is quickest on a CPU.

    Convolutions of large maps are a quarter faster with channels last, but group normalisation of
    small maps is several times slower so, and its backward pass tens of times.
    """
    if x.device.type != 'cpu':
        return x
    is_large = x.size(2) * x.size(3) > 1024
    last = is_large and not torch.is_grad_enabled()
    return x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


class ResidualBlock(nn.Module):
    """Two normalised 3x3 convolutions around a skip connection.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output; a 1x1 convolution fits the skip where they differ.
        dropout: Rate before the second convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, dropout: float = 0.) -> None:
        super().__init__()
        self.norm1 = group_norm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = group_norm(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.skip = (nn.Identity() if in_channels == out_channels else
                     nn.Conv2d(in_channels, out_channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(B, in_channels, H, W)`` to ``(B, out_channels, H, W)``."""
        h = self.conv1(normed_silu(self.norm1, x))
        h = self.conv2(self.dropout(normed_silu(self.norm2, h)))
        return self.skip(x) + h


class SpatialAttention(nn.Module):
    """Single-head self-attention over all places of a feature map, with a skip connection.

    Args:
        channels: Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C, H, W)``."""
        batch, channels, height, width = x.shape
        # (B, 1, H*W, C): one head.
        query, key, value = self.qkv(self.norm(x)).flatten(2).transpose(1, 2)[:, None].chunk(3, -1)
        h = F.scaled_dot_product_attention(query, key, value)
        h = h[:, 0].transpose(1, 2).reshape(batch, channels, height, width)
        return x + self.proj(h)


class Downsample(nn.Module):
    """Halve height and width by a strided convolution.

    Args:
        channels: Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C, H/2, W/2)`` for even H and W."""
        # Padding at the far side alone keeps the windows aligned with the 2x2 cells.
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Double height and width by repetition and a convolution.

    Args:
        channels: Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C, 2H, 2W)``."""
        return self.conv(F.interpolate(x, scale_factor=2., mode='nearest'))


def resolve_levels(attn_levels: tuple[int, ...], num_levels: int) -> set[int]:
    """Turn level indices, negative ones counted from the lowest resolution, into a set.

    Raises:
        ValueError: If an index lies outside the levels.
    """
    for level in attn_levels:
        if not -num_levels <= level < num_levels:
            raise ValueError(f'attn_levels={tuple(attn_levels)} names the level {level}, but '
                             f'channel_mult makes {num_levels} levels.')
    return {level % num_levels for level in attn_levels}


def run_blocks(blocks: nn.ModuleList, x: torch.Tensor, with_cp: bool) -> torch.Tensor:
    """Apply blocks in turn, optionally recomputing them in the backward pass."""
    for block in blocks:
        x = quick_layout(x)
        if with_cp and x.requires_grad:
            x = torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)
        else:
            x = block(x)
    return x
