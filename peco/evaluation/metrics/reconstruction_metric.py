"""How close reconstructions are to their originals."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from peco.registry import METRICS
from peco.utils.psnr import psnr

from .sample_field import LEFT_OUT, plays_role, sample_field


@METRICS.register_module()
class ReconstructionMetric(BaseMetric):
    """PSNR, averaged over images, and the mean perceptual distance where samples have one.

    Needs ``reconstruction`` and ``original`` ``(3, H, W)`` in [0, 1], and takes
    ``perceptual_distance`` (one number); gives ``psnr`` in dB and ``perceptual_distance``.

    Args:
        split_role: Look only at samples of this ``split_role``.
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Example:
        >>> metric = ReconstructionMetric()
        >>> image = torch.zeros(3, 8, 8)
        >>> metric.process({}, [dict(original=image, reconstruction=image + 0.1)])
        >>> round(metric.evaluate(size=1)['psnr'], 2)
        20.0
    """

    default_prefix = ''

    def __init__(self, split_role: str | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.split_role = split_role

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the numbers of a batch."""
        for sample in data_samples:
            if not plays_role(sample, self.split_role, self):
                self.results.append(LEFT_OUT)
                continue
            original = sample_field(sample, 'original', self)
            self._check_range(original)
            reconstruction = sample_field(sample, 'reconstruction', self)
            numbers = dict(psnr=float(psnr(reconstruction, original)))
            if 'perceptual_distance' in sample:
                numbers['perceptual_distance'] = float(
                    torch.as_tensor(sample_field(sample, 'perceptual_distance', self)))
            self.results.append(numbers)

    @staticmethod
    def _check_range(original: Tensor) -> None:
        low, high = original.min().item(), original.max().item()
        if low < -1e-4 or high > 1 + 1e-4:
            raise ValueError('ReconstructionMetric expects images in [0, 1], got an original in '
                             f'[{low:.4g}, {high:.4g}]')

    def compute_metrics(self, results: list[dict[str, float] | tuple]) -> dict[str, float]:
        """Average over the images."""
        results = [numbers for numbers in results if numbers != LEFT_OUT]
        if not results:
            raise ValueError('ReconstructionMetric got no sample')
        return {key: sum(r[key] for r in results) / len(results) for key in results[0]}
