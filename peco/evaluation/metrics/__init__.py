"""Metrics of PeCo."""

from .codebook_metric import CodebookMetric
from .depth_accuracy import DepthAccuracy
from .depth_probe import DepthProbe
from .dump_seg_results import DumpSegResults
from .knn_metric import KNNMetric
from .reconstruction_accuracy import ReconstructionAccuracy
from .reconstruction_metric import ReconstructionMetric
from .token_embedding_probe import TokenEmbeddingProbe
from .token_probe import TokenProbe

__all__ = [
    'CodebookMetric', 'DepthAccuracy', 'DepthProbe', 'DumpSegResults', 'KNNMetric',
    'ReconstructionAccuracy', 'ReconstructionMetric', 'TokenEmbeddingProbe', 'TokenProbe'
]
