"""mmengine's record of losses and learning rates, without a wait in every step."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.hooks import LoggerHook
from mmengine.hooks import RuntimeInfoHook as _RuntimeInfoHook
from mmengine.runner import Runner

from peco.registry import HOOKS

from ..optim import AmpOptimWrapper


@HOOKS.register_module()
class RuntimeInfoHook(_RuntimeInfoHook):
    """Keep the losses of a step on their device until they are logged or saved.

    mmengine reads each of them in every step, for which a GPU has to finish the step while the
    CPU waits, and has no work when the next one is prepared. The values that are recorded are
    mmengine's. With :class:`peco.engine.optim.AmpOptimWrapper` the norm of the gradients waits as
    well; mmengine's optimizer wrappers read it whenever they clip.

    A loss that is no finite number ends the run before the next checkpoint: in float32 and bfloat16
    nothing skips such a step, and the weights are lost with it.

    Raises:
        ValueError: The loss of a step is not finite.

    Example:
        >>> default_hooks = dict(runtime_info=dict(type='peco.RuntimeInfoHook'))
    """

    def __init__(self) -> None:
        super().__init__()
        self._interval = 1
        self._pending: list[dict] = []

    def before_train(self, runner: Runner) -> None:
        """Find out after how many steps losses are logged."""
        super().before_train(runner)
        if isinstance(runner.optim_wrapper, AmpOptimWrapper):
            runner.optim_wrapper.defers_grad_norm = True
        self._interval = min(
            (hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), default=1)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None,
                         outputs: dict | None = None) -> None:
        """Note the outputs; record what was noted if this step is logged or an epoch's last."""
        values = {f'train/{name}': value for name, value in (outputs or {}).items()}
        optim_wrapper = runner.optim_wrapper
        if isinstance(optim_wrapper, AmpOptimWrapper) and optim_wrapper.grad_norm is not None:
            values[f'train/{optim_wrapper.grad_name}'] = optim_wrapper.grad_norm
            optim_wrapper.grad_norm = None
        # Clones: a compiled step may use the memory of its outputs again.
        self._pending.append({
            name: value.detach().clone() if isinstance(value, torch.Tensor) else value
            for name, value in values.items()})
        if (self.every_n_inner_iters(batch_idx, self._interval)
                or self.every_n_train_iters(runner, self._interval)
                or self.end_of_epoch(runner.train_dataloader, batch_idx)
                or self.is_last_train_iter(runner)):
            self._record(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Make sure that a checkpoint holds all values so far."""
        if self._pending:
            self._record(runner)
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def _record(self, runner: Runner) -> None:
        pending, self._pending = self._pending, []
        for values in pending:
            for name, value in values.items():
                runner.message_hub.update_scalar(name, value)
        if all('train/loss' in values for values in pending):
            self._check_losses(runner, len(pending))

    @staticmethod
    def _check_losses(runner: Runner, steps: int) -> None:
        """Raise if one of the last losses is not finite; they have left the device by now."""
        losses = runner.message_hub.get_scalar('train/loss').data[0][-steps:]
        bad = np.flatnonzero(~np.isfinite(losses))
        if len(bad):
            raise ValueError(
                f'the loss of step {runner.iter + 2 - steps + bad[0]} is {losses[bad[0]]}: go on '
                f'from the last checkpoint under {runner.work_dir} by --resume in float32 '
                '(without --amp; where the config names peco.AmpOptimWrapper, by --cfg-options '
                'optim_wrapper.dtype=float32), or begin anew with a lower '
                'optim_wrapper.optimizer.lr (--resume keeps the old one)')
