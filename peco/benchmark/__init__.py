"""Speed and memory, ours beside our peers' in one run."""

from . import backbone, data, dense, perceptual, quantizer
from .report import Report, Row

PARTS = dict(
    backbone=backbone.measure,
    small=backbone.measure_small,
    quantizer=quantizer.measure,
    perceptual=perceptual.measure,
    data=data.measure,
    dense=dense.measure)

__all__ = ['PARTS', 'Report', 'Row']
