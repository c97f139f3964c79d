"""New random draws for a run that goes on."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS


@HOOKS.register_module()
class ResumeSeedHook(Hook):
    """Draw crops, masks and stochastic depth of a resumed run from a seed of its own.

    mmengine seeds the process and its workers alike whenever a run starts, so that a run that is
    often stopped would see the crops and masks of its first epoch again and again. The order of
    images is the sampler's, and stays what it would have been.
    """

    def before_train(self, runner: Runner) -> None:
        """Seed what a run that begins at a later iteration draws from."""
        if not runner.iter:
            return
        _mix_seed(runner.iter)
        loader = runner.train_dataloader
        loader.worker_init_fn = partial(_start_worker, loader.worker_init_fn, runner.iter)


def _mix_seed(iteration: int) -> None:
    """Seed Python, numpy and torch from torch's own seed and the iteration."""
    sequence = np.random.SeedSequence([torch.initial_seed(), iteration])
    seed, of_torch = (int(word) for word in sequence.generate_state(2))
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(of_torch)


def _start_worker(first: Callable[[int], None] | None, iteration: int, worker_id: int) -> None:
    if first is not None:
        first(worker_id)
    _mix_seed(iteration)
