"""Speed and memory, ours beside our peers' in one run."""

from . import (
    backbone,
    data,
    dense,
    perceptual,
    pretrain_step,
    quantizer,
    scaling,
    tokenizing,
)
from .report import Report, Row

PARTS = {
    'backbone': backbone.measure,
    'small': backbone.measure_small,
    'tokenize': tokenizing.measure,
    'pretrain-step': pretrain_step.measure,
    'quantizer': quantizer.measure,
    'perceptual': perceptual.measure,
    'data': data.measure,
    'scaling': scaling.measure,
    'dense': dense.measure,
}

__all__ = ['PARTS', 'Report', 'Row']
