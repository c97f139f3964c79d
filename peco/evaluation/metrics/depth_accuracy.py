"""Accuracy of a linear probe at each depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from peco.registry import METRICS

from .sample_field import sample_field


@METRICS.register_module()
class DepthAccuracy(BaseMetric):
    """Top-1 accuracy for each depth of a :class:`peco.MultiDepthLinearHead`.

    Needs ``depths`` (names), ``depth_labels`` (a predicted label for each) and ``gt_label`` in
    every sample; gives ``top1_depth{name}`` and ``top1_best_depth`` in percent.

    Args:
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Example:
        >>> test_evaluator = dict(type='peco.DepthAccuracy')
    """

    default_prefix = ''

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep which depths are right for each sample."""
        for sample in data_samples:
            predicted = sample_field(sample, 'depth_labels', self).cpu().numpy()
            label = sample_field(sample, 'gt_label', self).cpu().numpy()
            self.results.append((tuple(sample['depths']), predicted == label.reshape(-1)[0]))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Percentage of right samples for each depth, and the best of them."""
        depths = results[0][0]
        accuracy = np.mean([right for _, right in results], axis=0) * 100
        scores = {f'top1_depth{depth}': float(a)
                  for depth, a in zip(depths, accuracy, strict=True)}
        return dict(scores, top1_best_depth=float(accuracy.max()))
