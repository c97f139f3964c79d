"""Metrics of PeCo."""

from .codebook_metric import CodebookMetric
from .depth_accuracy import DepthAccuracy
from .knn_metric import KNNMetric
from .reconstruction_metric import ReconstructionMetric
from .token_probe import TokenProbe

__all__ = ['CodebookMetric', 'DepthAccuracy', 'KNNMetric', 'ReconstructionMetric', 'TokenProbe']
