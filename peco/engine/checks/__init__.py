"""What is wrong with a run, found before anything heavy is built."""

from .annotation_check import check_annotations
from .class_check import check_classes
from .component_check import check_components
from .preflight import check_config, check_data
from .weights_check import WeightsCheckHook, check_fit, check_initial_weights, state_dict_of

__all__ = [
    'WeightsCheckHook', 'check_annotations', 'check_classes', 'check_components', 'check_config',
    'check_data', 'check_fit', 'check_initial_weights', 'state_dict_of'
]
