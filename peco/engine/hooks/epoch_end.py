"""When an epoch ends, in loops that count epochs and in loops that count iterations."""

from __future__ import annotations

from mmengine.dataset import InfiniteSampler
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn


def unwrap(model: nn.Module) -> nn.Module:
    """The model itself, without a data-parallel wrapper or test-time augmentation around it."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def counts_iterations(runner: Runner) -> bool:
    """Whether the training loop counts iterations, so that no epoch ends in it by itself."""
    return isinstance(runner.train_loop, IterBasedTrainLoop)


def steps_of_epoch(runner: Runner) -> int:
    """Steps in which all ranks together see every image of the training data once."""
    loader = runner.train_dataloader
    # Its length is that of the data, not of a rank's share.
    shares = runner.world_size if isinstance(loader.sampler, InfiniteSampler) else 1
    return max(len(loader) // shares, 1)


def finished_epoch(runner: Runner) -> int | None:
    """Number of the epoch that ends with the current iteration of an iteration-based loop.

    Args:
        runner: In ``after_train_iter``.

    Returns:
        1 after :func:`steps_of_epoch` iterations, and so on; also at the last iteration of all.
        None within an epoch.
    """
    length = steps_of_epoch(runner)
    done = runner.iter + 1
    if done % length and done != runner.max_iters:
        return None
    return -(-done // length)
