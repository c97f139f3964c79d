"""Base of metrics that fit on one split and score another."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from .sample_field import sample_field, sample_label


class BankMetric(BaseMetric):
    """Collect a value and a label of each sample, and part them into bank and query.

    Both splits go through one dataloader: ``ConcatDataset`` of two datasets, one with
    ``split_role='bank'`` and one with ``split_role='query'``.
    """

    @abstractmethod
    def sample_value(self, sample: dict) -> np.ndarray:
        """What to keep of a sample."""

    @abstractmethod
    def score(self, bank: np.ndarray, bank_labels: np.ndarray, query: np.ndarray,
              query_labels: np.ndarray) -> dict[str, float]:
        """Metrics of the stacked values of both splits."""

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the values of a batch."""
        for sample in data_samples:
            role = sample_field(sample, 'split_role', self)
            if role not in ('bank', 'query'):
                raise ValueError(f"split_role must be 'bank' or 'query', got {role!r}")
            self.results.append((role, self.sample_value(sample), sample_label(sample, self)))

    def compute_metrics(self, results: list[tuple[str, np.ndarray, int]]) -> dict[str, float]:
        """Part the splits and score them."""
        parts = []
        for role in ('bank', 'query'):
            chosen = [(value, label) for r, value, label in results if r == role]
            if not chosen:
                raise ValueError(f'{type(self).__name__} found no sample with split_role='
                                 f"'{role}' among {len(results)}: give one dataset of the "
                                 f"dataloader split_role='{role}'")
            values, labels = zip(*chosen, strict=True)
            parts += [np.stack(values), np.array(labels, dtype=np.int64)]
        return self.score(*parts)
