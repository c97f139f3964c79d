"""Weighted kNN accuracy of features."""


import numpy as np
import torch

from peco.registry import METRICS

from ..functional import weighted_knn
from .bank_metric import BankMetric
from .sample_field import sample_field


@METRICS.register_module()
class KNNMetric(BankMetric):
    """Top-1 accuracy of a weighted kNN classifier on frozen features.

    Needs ``feature`` ``(C,)``, ``gt_label`` and ``split_role`` in every sample; gives
    ``knn_top1`` in percent.

    Args:
        k: Number of neighbours.
        temperature: Temperature of the weights.
        num_classes: Number of classes; defaults to the largest label of the bank plus one.
        device: Where to compare; on the GPU where there is one if left out.
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Example:
        >>> metric = KNNMetric(k=1)
        >>> metric.process({}, [
        ...     dict(feature=torch.tensor([1., x]), gt_label=torch.tensor([label]), split_role=role)
        ...     for x, label, role in ((0., 0, 'bank'), (9., 1, 'bank'), (8., 1, 'query'))])
        >>> metric.evaluate(size=3)
        {'knn_top1': 100.0}
    """

    default_prefix = ''

    def __init__(self,
                 k: int = 20,
                 temperature: float = 0.07,
                 num_classes: int | None = None,
                 device: str | None = None,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.k = k
        self.temperature = temperature
        self.num_classes = num_classes
        self.device = device or ('cuda' if torch.cuda.is_available() else 'cpu')

    def sample_value(self, sample: dict) -> np.ndarray:
        """The feature as float32."""
        return sample_field(sample, 'feature', self).float().numpy()

    def score(self, bank: np.ndarray, bank_labels: np.ndarray, query: np.ndarray,
              query_labels: np.ndarray) -> dict[str, float]:
        """Classify the query features."""
        predicted = weighted_knn(
            torch.from_numpy(bank).to(self.device),
            torch.from_numpy(bank_labels).to(self.device),
            torch.from_numpy(query).to(self.device), self.k, self.temperature, self.num_classes)
        return dict(knn_top1=float(np.mean(predicted.cpu().numpy() == query_labels)) * 100)
