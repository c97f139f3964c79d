"""Tell data sets that are read in sequence which epoch it is."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS

from .epoch_end import counts_iterations


@HOOKS.register_module()
class EpochOfDatasetHook(Hook):
    """Call ``dataset.set_epoch`` before each epoch, where the training data set has it.

    mmengine tells samplers only, and a data set such as :class:`peco.datasets.TarShards` has none.
    A loop over iterations knows no epochs and has begun to read before its first: there the data
    set counts its own.

    Example:
        >>> custom_hooks = [dict(type='peco.EpochOfDatasetHook')]
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Set the epoch."""
        dataset = runner.train_dataloader.dataset
        if hasattr(dataset, 'set_epoch') and not counts_iterations(runner):
            dataset.set_epoch(runner.epoch)
