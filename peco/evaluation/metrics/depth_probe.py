"""How good the features of each depth are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from peco.registry import METRICS

from ..functional import linear_probe, weighted_knn
from .bank_metric import BankMetric
from .sample_field import sample_field


@METRICS.register_module()
class DepthProbe(BankMetric):
    """Top-1 accuracy of weighted kNN and of logistic regression on the features of each depth.

    Needs ``depth_features`` (a vector for each depth; :class:`peco.FeatureExtractor` with
    ``every_depth=True``), ``gt_label`` and ``split_role`` in every sample; gives
    ``knn_top1_depth{n}``, ``linear_top1_depth{n}``, n from 1, and the best of each as
    ``…_best_depth``, in percent.

    Args:
        k: Number of neighbours.
        temperature: Temperature of their votes.
        penalties: L2 penalties of the regression to choose from, on a part of the bank.
        max_iter: Most iterations of a fit.
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Example:
        >>> test_evaluator = dict(type='peco.DepthProbe', k=20)
    """

    default_prefix = ''

    def __init__(self,
                 k: int = 20,
                 temperature: float = 0.07,
                 penalties: Sequence[float] = (1e-3, 1e-2),
                 max_iter: int = 100,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.k = k
        self.temperature = temperature
        self.penalties = penalties
        self.max_iter = max_iter
        self._sizes: list[int] = []

    def sample_value(self, sample: dict) -> np.ndarray:
        """The vectors in a row, float32."""
        vectors = [vector.detach().cpu().float().numpy()
                   for vector in sample_field(sample, 'depth_features', self)]
        self._sizes = [len(vector) for vector in vectors]
        return np.concatenate(vectors)

    def score(self, bank: np.ndarray, bank_labels: np.ndarray, query: np.ndarray,
              query_labels: np.ndarray) -> dict[str, float]:
        """Classify the query by each depth."""
        places = np.cumsum(self._sizes)[:-1]
        scores: dict[str, float] = {}
        pairs = zip(np.split(bank, places, axis=1), np.split(query, places, axis=1), strict=True)
        for depth, (of_bank, of_query) in enumerate(pairs, 1):
            neighbours = weighted_knn(
                torch.from_numpy(of_bank), torch.from_numpy(bank_labels),
                torch.from_numpy(of_query), self.k, self.temperature).numpy()
            line = linear_probe(of_bank, bank_labels, of_query, self.penalties, self.max_iter)
            for name, predicted in (('knn', neighbours), ('linear', line)):
                scores[f'{name}_top1_depth{depth}'] = float(
                    np.mean(predicted == query_labels)) * 100
        for name in ('knn', 'linear'):
            scores[f'{name}_top1_best_depth'] = max(
                value for key, value in scores.items() if key.startswith(name))
        return scores
