"""Do not go on with a schedule that was made for another number of images a step."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS
from peco.utils.config import ConfigError

from ..runner import accumulated

_KEY = 'images_per_step'


@HOOKS.register_module()
class ResumeCheckHook(Hook):
    """Refuse to resume with another number of GPUs, another batch size or other accumulation.

    mmengine's resume takes rates and schedules from the checkpoint, counted in iterations of the
    run that wrote it: at half the images a step, a cosine over 800 epochs would end after 400, at
    twice the rate that ``auto_scale_lr`` means. A checkpoint that does not tell is accepted.

    Raises:
        ConfigError: With both numbers and the mend.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write down what a step is."""
        if (found := self._images_per_step(runner)) is not None:
            checkpoint['meta'][_KEY] = found

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Raise where a run that goes on has another step."""
        before = checkpoint.get('meta', {}).get(_KEY)
        now = self._images_per_step(runner) if runner._resume else None
        if before is None or now is None or before == now:
            return
        batch = before['batch'] / runner.world_size
        mend = (f'train_dataloader.batch_size={batch:.0f} '
                f"optim_wrapper.accumulative_counts={before['accumulated']}"
                if batch.is_integer() else None)
        raise ConfigError(
            f'--resume: the checkpoint was trained with {_words(before)}, this run has '
            f'{_words(now)} on {runner.world_size} rank(s), for which its learning rates and '
            'schedules do not hold. '
            + (f'Set --cfg-options {mend}' if mend else 'Resume on as many ranks as before')
            + ', or begin a new run from its weights: --cfg-options load_from=CHECKPOINT in the '
            'place of --resume')

    @staticmethod
    def _images_per_step(runner: Runner) -> dict[str, int] | None:
        loader = runner.train_dataloader
        batch = getattr(loader, 'batch_size', None)
        if batch is None:  # mmdet's loaders have a sampler of batches
            batch = getattr(getattr(loader, 'batch_sampler', None), 'batch_size', None)
        if batch is None:
            return None
        return dict(batch=batch * runner.world_size, accumulated=accumulated(runner.optim_wrapper))


def _words(step: dict[str, int]) -> str:
    times = '' if step['accumulated'] == 1 else f", {step['accumulated']} batches an update"
    return f"{step['batch']} images a step{times}"
