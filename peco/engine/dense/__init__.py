"""What runs of detectors and segmentors need beside the model."""

from .bare_backbone_hook import BareBackboneHook
from .float32_islands import add_float32_islands
from .float32_islands_hook import Float32IslandsHook

__all__ = ['BareBackboneHook', 'Float32IslandsHook', 'add_float32_islands']
