"""A codebook begins with vectors of the data: there must be enough of them."""

from __future__ import annotations

from mmengine.runner import Runner

from peco.registry import HOOKS

from .epoch_end import steps_of_epoch, unwrap
from .epoch_end_hook import EpochEndHook


@HOOKS.register_module()
class CodebookInitHook(EpochEndHook):
    """End a run whose data cannot fill the codebook; without it a plain autoencoder would train.

    The first step shows how many vectors an epoch will give; how many of them are distinct shows
    at its end. ``tools/train.py`` adds this hook to every model with a ``quantizer``.

    Raises:
        ValueError: Fewer vectors than codes.

    Example:
        >>> custom_hooks = [dict(type='peco.CodebookInitHook')]
    """

    def __init__(self) -> None:
        super().__init__()
        self._counted = False
        self._settled = False

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None,
                         outputs=None) -> None:
        """Count at the first step."""
        if not self._counted:
            steps = min(steps_of_epoch(runner), runner.max_iters)
            unwrap(runner.model).quantizer.check_supply(steps)
            self._counted = True
        super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def at_epoch_end(self, runner: Runner, epoch: int, step: int) -> None:
        """Check at the end of the first epoch."""
        if not self._settled:
            unwrap(runner.model).quantizer.check_initialised()
            self._settled = True
