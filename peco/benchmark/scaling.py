"""How time and memory grow: with pixels, images and codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from .contest import Contestant, hold, precision
from .report import Report, Row, device_name

_SIDES = (224, 448, 672, 896, 1344)
_BATCHES = (1, 2, 4, 8)
_CODES = (2048, 8192, 32768)
_ARCH = 'small'


def measure(root: Path, device: str = 'cpu', threads: int | None = None, rounds: int = 3,
            sides: Sequence[int] = _SIDES, batches: Sequence[int] = _BATCHES,
            codes: Sequence[int] = _CODES, arch: str | dict = _ARCH) -> Report:
    """The backbone with windows, forward and backward, and a step of the codebook.

    Args:
        root: Not used; every part takes it.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.
        sides: Sides of an image, for the backbone with 14x14 windows in every block.
        batches: Images of 224 px.
        codes: Codes of the codebook, for 12,544 vectors.
        arch: Of the backbone.

    Returns:
        ``limit`` has the exponents with which seconds grow, and, for pixels, the memory beyond
        that of the smallest image.
    """
    from .quantizer import make_ours as make_quantizer
    rows, limit = [], {}
    for what, values, contestants in (
        ('pixels', [side**2 for side in sides],
         [Contestant(f'backbone with windows, {side}x{side}', 'bfloat16', make_backbone, 1,
                     dict(side=side, batch=1, arch=arch), package='peco') for side in sides]),
        ('images', list(batches),
         [Contestant(f'backbone, {batch} of 224x224', 'bfloat16', make_backbone, batch,
                     dict(side=224, batch=batch, arch=arch), package='peco')
          for batch in batches]),
        ('codes', list(codes),
         [Contestant(f'codebook of {number:,}', 'float32', make_quantizer, 64,
                     dict(batch=64, side=14, dim=256, codes=number), package='peco')
          for number in codes])):
        found = hold(contestants, device, threads, rounds)
        rows += found
        limit[f'exponent of seconds in {what}'] = exponent(values, [r.median_s for r in found])
        if what == 'pixels':
            limit['exponent of memory in pixels'] = _memory_exponent(values, found)
    return Report('scaling', device_name(device), threads or torch.get_num_threads(), rows, limit)


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Slope of the costs over the sizes in double logarithms, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def _memory_exponent(sizes: Sequence[float], rows: Sequence[Row]) -> float:
    """The same for what a call holds beyond libraries and weights, which do not grow."""
    peaks = np.array([row.peak_mib for row in rows])
    # Peak = base + cost: the smallest image's own share is estimated from the next one.
    slope = (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])
    base = peaks[0] - slope * sizes[0]
    return exponent(sizes[1:], peaks[1:] - base)


def make_backbone(device: str, dtype: str, side: int, batch: int,
                  arch: str | dict) -> Callable[[], None]:
    """Forward and backward of the backbone of detection, windows in every block."""
    from peco.models.backbones import PeCoViT
    model = PeCoViT(arch, img_size=224, out_type='featmap', window_size=14,
                    rel_pos_bias='per_layer').to(device).train()
    image = torch.randn(batch, 3, side, side, device=device)

    def step() -> None:
        model.zero_grad(set_to_none=True)
        with precision(device, dtype):
            features = model(image)[-1]
        features.float().square().mean().backward()
    return step
