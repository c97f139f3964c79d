"""A hook for the end of an epoch, however the training loop counts."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod

from mmengine.hooks import Hook
from mmengine.runner import Runner

from .epoch_end import counts_iterations, finished_epoch


class EpochEndHook(Hook, metaclass=ABCMeta):
    """Do something every few epochs, and after the last one.

    An iteration-based loop is cut into epochs of the data loader's length.

    Args:
        interval: Epochs from one time to the next.

    Raises:
        ValueError: The interval is not positive.
    """

    def __init__(self, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(f'interval={interval} of {type(self).__name__} must be at least 1')
        self.interval = interval

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None,
                         outputs=None) -> None:
        """Find the ends of epochs in an iteration-based loop."""
        if not counts_iterations(runner):
            return
        epoch, step = finished_epoch(runner), runner.iter + 1
        if epoch is not None and (epoch % self.interval == 0 or step == runner.max_iters):
            self.at_epoch_end(runner, epoch, step)

    def after_train_epoch(self, runner: Runner) -> None:
        """Be called by an epoch-based loop."""
        epoch = runner.epoch + 1
        if not counts_iterations(runner) and (epoch % self.interval == 0
                                              or epoch == runner.max_epochs):
            self.at_epoch_end(runner, epoch, runner.iter)

    @abstractmethod
    def at_epoch_end(self, runner: Runner, epoch: int, step: int) -> None:
        """Do it.

        Args:
            runner: The runner.
            epoch: Number of the epoch that ended, from 1.
            step: Steps done so far.
        """
