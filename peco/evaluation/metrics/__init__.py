"""Metrics of PeCo."""

from .codebook_metric import CodebookMetric
from .knn_metric import KNNMetric
from .reconstruction_metric import ReconstructionMetric
from .token_probe import TokenProbe

__all__ = ['CodebookMetric', 'KNNMetric', 'ReconstructionMetric', 'TokenProbe']
