"""Registries of PeCo: children of mmengine's, scope ``peco``, filled on first use."""

from mmengine.registry import DATA_SAMPLERS as _DATA_SAMPLERS
from mmengine.registry import DATASETS as _DATASETS
from mmengine.registry import FUNCTIONS as _FUNCTIONS
from mmengine.registry import HOOKS as _HOOKS
from mmengine.registry import METRICS as _METRICS
from mmengine.registry import MODEL_WRAPPERS as _MODEL_WRAPPERS
from mmengine.registry import MODELS as _MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as _OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as _OPTIM_WRAPPERS
from mmengine.registry import TRANSFORMS as _TRANSFORMS
from mmengine.registry import Registry


def _child(name: str, parent: Registry, location: str) -> Registry:
    return Registry(name, parent=parent, scope='peco', locations=[location])


MODELS = _child('model', _MODELS, 'peco.models')
DATASETS = _child('dataset', _DATASETS, 'peco.datasets')
DATA_SAMPLERS = _child('data sampler', _DATA_SAMPLERS, 'peco.datasets')
FUNCTIONS = _child('function', _FUNCTIONS, 'peco.datasets')
TRANSFORMS = _child('transform', _TRANSFORMS, 'peco.datasets.transforms')
METRICS = _child('metric', _METRICS, 'peco.evaluation')
HOOKS = _child('hook', _HOOKS, 'peco.engine')
OPTIM_WRAPPERS = _child('optimizer wrapper', _OPTIM_WRAPPERS, 'peco.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optimizer wrapper constructor', _OPTIM_WRAPPER_CONSTRUCTORS, 'peco.engine')
MODEL_WRAPPERS = _child('model_wrapper', _MODEL_WRAPPERS, 'peco.engine')
