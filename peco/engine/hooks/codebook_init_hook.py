"""A codebook begins with vectors of the data: there must be enough of them."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS

from .epoch_end import counts_iterations, finished_epoch, unwrap


@HOOKS.register_module()
class CodebookInitHook(Hook):
    """End a run whose data cannot fill the codebook; without it a plain autoencoder would train.

    The first step shows how many vectors an epoch will give; how many of them are distinct shows
    at its end. ``tools/train.py`` adds this hook to every model with a ``quantizer``.

    Raises:
        ValueError: Fewer vectors than codes.
    """

    def __init__(self) -> None:
        self._counted = False
        self._settled = False

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None,
                         outputs=None) -> None:
        """Count at the first step; find the ends of epochs in an iteration-based loop."""
        if not self._counted:
            steps = min(len(runner.train_dataloader), runner.max_iters)
            unwrap(runner.model).quantizer.check_supply(steps)
            self._counted = True
        if counts_iterations(runner):
            epoch = finished_epoch(runner)
            if epoch is not None:
                self._end_epoch(runner, epoch, runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Check at the end of an epoch."""
        if not counts_iterations(runner):
            self._end_epoch(runner, runner.epoch + 1, runner.iter)

    def _end_epoch(self, runner: Runner, epoch: int, step: int) -> None:
        if not self._settled:
            unwrap(runner.model).quantizer.check_initialised()
            self._settled = True
