"""What runs of detectors and segmentors need beside the model."""

from .bare_backbone_hook import BareBackboneHook
from .float32_islands import add_float32_islands
from .float32_islands_hook import Float32IslandsHook
from .label_range_hook import LabelRangeHook
from .show_predictions_hook import ShowPredictionsHook
from .tta import use_tta

__all__ = [
    'BareBackboneHook', 'Float32IslandsHook', 'LabelRangeHook', 'ShowPredictionsHook',
    'add_float32_islands', 'use_tta'
]
