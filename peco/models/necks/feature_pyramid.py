"""Maps of several strides from the maps of one stride that a plain ViT gives."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from peco.registry import MODELS

SOURCES = ('each', 'last')


@MODELS.register_module()
class FeaturePyramid(BaseModule):
    """Resample maps of stride 16 to strides 4, 8, 16 and 32.

    Two transposed convolutions give stride 4, one gives stride 8, max pooling stride 32, as in
    BEiT's UperNet and ViTDet. The channels stay; mmdet's ``FPN`` or a head of mmseg follows.

    Args:
        in_channels: Channels of each map.
        scales: Size of each output over its input: powers of two.
        source: 'each': the i-th output comes from the i-th of as many maps (blocks of several
            depths, as in BEiT); 'last': all come from one map, the last block's (ViTDet).
        norm_cfg: Norm between two transposed convolutions; None for none.
        init_cfg: mmengine's init config.

    Raises:
        ValueError: A scale that is no power of two, or an unknown source.

    Example:
        >>> import torch
        >>> neck = FeaturePyramid(8)
        >>> [tuple(x.shape[2:]) for x in neck([torch.rand(1, 8, 14, 20)] * 4)]
        [(56, 80), (28, 40), (14, 20), (7, 10)]
        >>> neck = FeaturePyramid(8, source='last')
        >>> len(neck([torch.rand(1, 8, 14, 20)]))
        4
    """

    def __init__(self,
                 in_channels: int,
                 scales: Sequence[float] = (4, 2, 1, 0.5),
                 source: str = 'each',
                 norm_cfg: dict | None = dict(type='BN'),  # noqa: B006 (never written to)
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        if source not in SOURCES:
            raise ValueError(f'source must be one of {SOURCES}, got {source!r}')
        self.in_channels = in_channels
        self.source = source
        self.levels = nn.ModuleList(
            self._build_level(in_channels, scale, norm_cfg) for scale in scales)

    @staticmethod
    def _build_level(channels: int, scale: float, norm_cfg: dict | None) -> nn.Module:
        doublings = math.log2(scale) if scale > 0 else math.nan
        if not doublings.is_integer():
            raise ValueError(f'scales must be powers of two, got {scale}')
        if scale == 1:
            return nn.Identity()
        if scale < 1:
            # Upwards, so that an image of one patch has a map, and no border is lost.
            return nn.MaxPool2d(round(1 / scale), ceil_mode=True)
        layers: list[nn.Module] = []
        for step in range(int(doublings)):
            if step > 0:
                if norm_cfg is not None:
                    layers.append(build_norm_layer(norm_cfg, channels)[1])
                layers.append(nn.GELU())
            layers.append(nn.ConvTranspose2d(channels, channels, kernel_size=2, stride=2))
        return nn.Sequential(*layers)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Resample.

        Args:
            inputs: Maps of shape ``(B, in_channels, h, w)``: one for each scale, or one alone
                where ``source='last'``.

        Returns:
            A map of shape ``(B, in_channels, scale * h, scale * w)`` for each scale; rounded up.

        Raises:
            ValueError: If the number of maps is another.
        """
        wanted = 1 if self.source == 'last' else len(self.levels)
        if len(inputs) != wanted:
            raise ValueError(f'FeaturePyramid(source={self.source!r}) takes {wanted} map(s), the '
                             f'backbone gives {len(inputs)}: set its out_indices')
        if self.source == 'last':
            inputs = [inputs[0]] * len(self.levels)
        return tuple(level(x) for level, x in zip(self.levels, inputs, strict=True))
