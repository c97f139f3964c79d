"""Refuse checkpoints that do not fit, where mmengine would go on with random weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch import nn

from peco.utils.checkpoint import load_checkpoint
from peco.utils.config import ConfigError

from ..hooks.epoch_end import unwrap

_SHOWN = 3


def check_fit(model: nn.Module, state_dict: Mapping[str, torch.Tensor], source: str,
              complete: bool) -> str | None:
    """Say whether weights fit a model. They are loaded, so that the model's own conversions count.

    Args:
        model: The model.
        state_dict: The weights.
        source: What to call them.
        complete: Whether every parameter must be there, or half of them or the whole backbone is
            enough (new heads on a pretrained backbone).

    Returns:
        What does not fit, in one line, or None.
    """
    sizes = []
    logger = MMLogger.get_current_instance()
    was_disabled = logger.disabled
    try:
        logger.disabled = True  # what the model says about its weights it says when they are used
        missing = model.load_state_dict(dict(state_dict), strict=False).missing_keys
    except ValueError as error:  # from a model that checks its weights itself
        return f'{source}: {error}'
    except RuntimeError as error:
        sizes = re.findall(
            r'size mismatch for (\S+): copying a param with shape torch.Size\((.*?)\) from '
            r'checkpoint, the shape in current model is torch.Size\((.*?)\)', str(error))
        if not sizes:
            raise
        missing = [key for key in model.state_dict() if key not in state_dict]
    finally:
        logger.disabled = was_disabled
    # torch counts batches from zero where an old file has no count, and misses nothing.
    ours = [key for key in model.state_dict() if not key.endswith('.num_batches_tracked')]
    lengths = list(_other_lengths(ours, missing, state_dict, complete))
    wrong = [*missing, *(name for name, *_ in sizes)]
    enough = len(wrong) <= len(ours) / 2 or _is_whole('backbone.', ours, wrong)
    if not lengths and (not wrong or (not complete and enough)):
        return None
    parts = lengths + [f'{name} is {theirs} there and {ours} in the model' for name, theirs, ours in
             sizes[:_SHOWN]]
    if missing:
        parts.append(f"{len(missing)} weights are not there ({', '.join(missing[:_SHOWN])}"
                     f"{', ...' if len(missing) > _SHOWN else ''})")
    return (f'{source} does not fit this {type(model).__name__}: {"; ".join(parts)}. It belongs to '
            'another architecture or another stage: use the config that it was trained with')


def _is_whole(prefix: str, ours: Iterable[str], wrong: Iterable[str]) -> bool:
    """Whether the model has a part of that name, and all of it is there."""
    return any(key.startswith(prefix) for key in ours) and not any(
        key.startswith(prefix) for key in wrong)


def _other_lengths(ours: Iterable[str], missing: Iterable[str], theirs: Iterable[str],
                   complete: bool) -> Iterator[str]:
    """Compare lists of layers, of which a part would be loaded.

    A backbone may take the first layers of a deeper one, if all weights need not be there; layers
    that would stay random are refused.
    """
    expected = _lists(ours)
    # What the model made of the keys, and the keys as they are: a model may drop some unasked.
    found = _lists([*(set(ours) - set(missing)), *theirs])
    for name, numbers in expected.items():
        there = found.get(name, numbers)
        if not complete and (there >= numbers or name.split('.')[0].endswith('head')):
            continue
        if there != numbers:
            yield f'{name} has {len(there)} layers there and {len(numbers)} in the model'


def _lists(keys: Iterable[str]) -> dict[str, set[int]]:
    """Numbers that stand below each name: ``backbone.blocks.3.norm1.bias`` gives a 3."""
    lists: dict[str, set[int]] = {}
    for key in keys:
        for number in re.finditer(r'\.(\d+)\.', key):
            lists.setdefault(key[:number.start()], set()).add(int(number[1]))
    return lists


def check_initial_weights(model: nn.Module) -> Iterator[str]:
    """Yield a line for each ``init_cfg=dict(type='Pretrained', ...)`` whose file does not fit.

    Args:
        model: The built model, before its weights are initialised.
    """
    for name, module in unwrap(model).named_modules():
        init_cfg = getattr(module, 'init_cfg', None)
        for one in init_cfg if isinstance(init_cfg, (list, tuple)) else [init_cfg]:
            if not isinstance(one, Mapping) or one.get('type') != 'Pretrained':
                continue
            path, prefix = one['checkpoint'], one.get('prefix') or ''
            if '://' in path:
                continue
            state_dict = state_dict_of(load_checkpoint(path))
            part = {key.removeprefix(prefix): value for key, value in state_dict.items()
                    if key.startswith(prefix)}
            if not part:
                yield (f"checkpoint '{path}' has no weights that begin with '{prefix}' "
                       f'({name or "model"}.init_cfg.prefix); they begin with '
                       f"{', '.join(sorted({key.split('.')[0] for key in state_dict})[:6])}")
            elif problem := check_fit(module, part, f"checkpoint '{path}'", complete=False):
                yield problem


def state_dict_of(checkpoint: Mapping) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint, without the prefix of a data-parallel wrapper."""
    state_dict = checkpoint.get('state_dict', checkpoint)
    return {re.sub(r'^module\.', '', key): value for key, value in state_dict.items()}


class WeightsCheckHook(Hook):
    """Check a checkpoint before the Runner loads it: fully for a test and for ``--resume``.

    Raises:
        ConfigError: The weights do not fit.
    """

    # After the hooks that change the checkpoint, such as an average that takes its place.
    priority = 'LOWEST'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Raise if the weights do not fit."""
        testing = isinstance(runner._train_loop, dict) or runner._train_loop is None
        path = runner._load_from or 'the latest one of the work dir'
        problem = check_fit(unwrap(runner.model), state_dict_of(checkpoint), f"checkpoint '{path}'",
                            complete=testing or runner._resume)
        if problem:
            raise ConfigError(problem)
