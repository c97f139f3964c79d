"""How close reconstructions are to their originals."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric

from peco.registry import METRICS

from ..functional import psnr
from .sample_field import sample_field


@METRICS.register_module()
class ReconstructionMetric(BaseMetric):
    """PSNR, averaged over images, and the mean perceptual distance where samples have one.

    Needs ``reconstruction`` and ``original`` ``(3, H, W)`` in [0, 1], and takes
    ``perceptual_distance`` (one number); gives ``psnr`` in dB and ``perceptual_distance``.
    """

    default_prefix = ''

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the numbers of a batch."""
        for sample in data_samples:
            numbers = dict(psnr=float(psnr(sample_field(sample, 'reconstruction', self),
                                           sample_field(sample, 'original', self))))
            if 'perceptual_distance' in sample:
                numbers['perceptual_distance'] = float(
                    torch.as_tensor(sample_field(sample, 'perceptual_distance', self)))
            self.results.append(numbers)

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Average over the images."""
        if not results:
            raise ValueError('ReconstructionMetric got no sample')
        return {key: sum(r[key] for r in results) / len(results) for key in results[0]}
