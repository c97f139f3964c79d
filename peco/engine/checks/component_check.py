"""Check the classes that a config names, and the keys it gives them, without building any."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from mmengine import registry as root
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import (
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    LogProcessor,
    TestLoop,
    ValLoop,
)
from torch.utils.data import DataLoader

from peco.utils.config import TOP_LEVEL_KEYS, near_miss

# What stands at a key is built from which registry; elsewhere it is that of the part around it.
_REGISTRY_OF_KEY = dict(
    model=root.MODELS, data_preprocessor=root.MODELS, dataset=root.DATASETS,
    datasets=root.DATASETS, sampler=root.DATA_SAMPLERS, batch_sampler=root.DATA_SAMPLERS,
    pipeline=root.TRANSFORMS, transforms=root.TRANSFORMS, collate_fn=root.FUNCTIONS,
    optim_wrapper=root.OPTIM_WRAPPERS, optimizer=root.OPTIMIZERS,
    param_scheduler=root.PARAM_SCHEDULERS, val_evaluator=root.METRICS,
    test_evaluator=root.METRICS, train_cfg=root.LOOPS, val_cfg=root.LOOPS, test_cfg=root.LOOPS,
    default_hooks=root.HOOKS, custom_hooks=root.HOOKS, visualizer=root.VISUALIZERS,
    vis_backends=root.VISBACKENDS, log_processor=root.LOG_PROCESSORS,
    init_cfg=root.WEIGHT_INITIALIZERS, model_wrapper_cfg=root.MODEL_WRAPPERS)
# Of a detector: its own kind of sampler, and what else stands beside it.
_REGISTRY_IN_MODEL = dict.fromkeys(
    ('sampler', 'assigner', 'bbox_coder', 'anchor_generator', 'prior_generator'), root.TASK_UTILS)
# Parts that the Runner builds, whose type must therefore be found.
_STRICT = ('model', 'dataset', 'sampler', 'optim_wrapper', 'optimizer', 'param_scheduler',
           'val_evaluator', 'test_evaluator', 'default_hooks', 'custom_hooks', 'visualizer')
# Keys that mmengine takes out of a part before it calls the class.
_READ_BY_MMENGINE = dict(
    hook={'priority'}, optim_wrapper={'constructor', 'paramwise_cfg', 'optimizer'},
    optimizer={'params'}, parameter={'convert_to_iter_based'}, loop={'by_epoch'},
    visualizer={'name'}, evaluator={'metrics'})
# Keys that parts of mmdet and mmcv take out of what they build: of DETR's loss, FCNMaskHead's
# upsampling, deformable convolutions and norms.
_READ_BY_PART = dict(loss_cls={'bg_cls_weight'}, upsample_cfg={'scale_factor'},
                     dcn={'deformable_groups'}, norm_cfg={'requires_grad'})
# `test_pipeline` is a common helper variable, no slip.
_SPELLING_OF = TOP_LEVEL_KEYS - {'tta_pipeline', 'tta_model', 'made_by'}
_LOADER_KEYS = set(inspect.signature(DataLoader).parameters) | {'num_batch_per_epoch'}
_DEFAULT_LOOPS = dict(train_cfg={True: EpochBasedTrainLoop, False: IterBasedTrainLoop},
                      val_cfg=ValLoop, test_cfg=TestLoop)


def check_components(cfg: Config) -> list[str]:
    """Return a line for each unknown class, and each key that its class does not take.

    Classes that pass unknown keys on (``**kwargs``) are held to keys that look like a slip of one
    they name.

    Args:
        cfg: The config.

    Returns:
        The problems, e.g. ``model.backbone.img_sise: peco.PeCoViT takes no 'img_sise' (did you
        mean 'img_size'?)``.
    """
    problems = [
        f"there is no key '{key}'{miss}" for key in cfg
        if key not in TOP_LEVEL_KEYS and (miss := near_miss(key, _SPELLING_OF, 0.85))]
    scope = cfg.get('default_scope', 'mmengine')
    try:
        import_module(f'{scope}.registry')
    except ImportError as error:
        return [f"default_scope: '{scope}' cannot be imported: {error}"]
    for key in cfg:
        if key in _REGISTRY_OF_KEY and key not in ('optimizer', 'pipeline'):
            problems += _check(cfg[key], key, _REGISTRY_OF_KEY[key], scope, key in _STRICT)
        elif key.endswith('_dataloader'):
            problems += _check_loader(cfg[key], key, scope)
    return list(dict.fromkeys(problems))


def _check(node: Any, here: str, registry: Registry, scope: str, strict: bool) -> Iterator[str]:
    """Walk a part of the config; ``strict`` says that its own type must be in ``registry``."""
    if isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from _check(child, f'{here}.{index}', registry, scope, strict)
    if not isinstance(node, dict):
        return
    name, scope = node.get('type'), node.get('_scope_', scope)
    if name is not None:
        found = name if not isinstance(name, str) else _find(name, registry, scope)
        if found is None:
            yield from _unknown_type(name, here, registry, scope, strict)
        else:
            yield from _check_keys(node, here, found, name, registry)
    elif here in _DEFAULT_LOOPS:
        loop = _DEFAULT_LOOPS[here]
        loop = loop.get(bool(node.get('by_epoch', True))) if isinstance(loop, dict) else loop
        yield from _check_keys(node, here, loop, loop.__name__, registry)
    elif here == 'log_processor':
        yield from _check_keys(node, here, LogProcessor, 'LogProcessor', registry)
    for key, child in node.items():
        if key.endswith('_dataloader'):
            yield from _check_loader(child, f'{here}.{key}', scope)
            continue
        of_hooks = here == 'default_hooks'
        of_key = _REGISTRY_OF_KEY
        if here.startswith('model.') and key in _REGISTRY_IN_MODEL:
            of_key = _REGISTRY_IN_MODEL
        child_registry = registry if of_hooks else of_key.get(key, registry)
        yield from _check(child, f'{here}.{key}', child_registry, scope,
                          of_hooks or (key in _STRICT and child_registry is not registry))


def _check_loader(node: Any, here: str, scope: str) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    for key in node:
        if key not in _LOADER_KEYS:
            yield f"{here}.{key}: a data loader takes no '{key}'{near_miss(key, _LOADER_KEYS)}"
    for key in ('dataset', 'sampler', 'batch_sampler', 'collate_fn'):
        yield from _check(node.get(key), f'{here}.{key}', _REGISTRY_OF_KEY[key], scope,
                          key in _STRICT)


def _find(name: str, registry: Registry, scope: str) -> Any:
    return registry.children.get(scope, registry).get(name)


def _names(registry: Registry, scope: str) -> set[str]:
    """Every name of a registry: plain for the config's scope, with prefix for the others."""
    names = set(registry.module_dict)
    for child_scope, child in registry.children.items():
        names |= {f'{child_scope}.{name}' for name in child.module_dict}
        if child_scope == scope:
            names |= set(child.module_dict)
    return names


def _unknown_type(name: str, here: str, registry: Registry, scope: str,
                  strict: bool) -> Iterator[str]:
    names = _names(registry, scope)
    prefix = name.split('.')[0] if '.' in name else None
    miss = near_miss(name, names, 0.6 if strict or prefix else 0.8)
    if prefix is None and not miss:
        # The part may be of another kind, or forgot the prefix.
        miss = near_miss(name, {other.split('.')[-1] for other in names}, 0.9)
    homeless = f'peco.{name}' if f'peco.{name}' in names else None
    if homeless:
        miss = f" (did you mean '{homeless}'?)"
    if strict or prefix in registry.children or homeless or (miss and prefix is None):
        yield f"{here}.type: there is no {registry.name} '{name}'{miss}"


def _check_keys(node: dict, here: str, found: Any, name: Any, registry: Registry) -> Iterator[str]:
    if not inspect.isclass(found):
        return
    accepted, is_open = accepted_keys(found)
    extra = next((keys for kind, keys in _READ_BY_MMENGINE.items()
                  if registry.name.startswith(kind)), set())
    read = next((keys for key, keys in _READ_BY_PART.items() if here.endswith(key)), set())
    known = accepted | extra | read
    shown = name if isinstance(name, str) else getattr(name, '__name__', str(name))
    for key in node:
        if key in known or key in ('type', '_scope_', '_delete_'):
            continue
        miss = near_miss(key, known, 0.85 if is_open else 0.6)
        if miss or not is_open:
            yield f"{here}.{key}: {shown} takes no '{key}'{miss}"


def accepted_keys(cls: type) -> tuple[set[str], bool]:
    """Return the names that a class's constructor takes, and whether it may take others too.

    Where a constructor passes ``**kwargs`` on, the names of its base classes count as well.
    """
    names: set[str] = set()
    constructors: Iterable[Any] = (
        vars(base)['__init__'] for base in cls.__mro__ if '__init__' in vars(base))
    is_open = False
    for index, constructor in enumerate(constructors):
        try:
            parameters = inspect.signature(constructor).parameters.values()
        except (TypeError, ValueError):  # a constructor written in C
            return names, True
        passes_on = any(p.kind is p.VAR_KEYWORD for p in parameters)
        if index == 0:
            is_open = passes_on
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not passes_on:
            break
    return names - {'self'}, is_open
