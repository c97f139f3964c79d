"""Health of the codebook over whole epochs."""

from __future__ import annotations

from mmengine.runner import Runner

from peco.registry import HOOKS

from .codebook_init_hook import CodebookInitHook
from .epoch_end import unwrap


@HOOKS.register_module()
class CodebookHook(CodebookInitHook):
    """Log usage and perplexity of the codebook over each epoch.

    Per batch both mislead: a batch has fewer tokens than a large codebook has codes. The scalars
    are ``codebook_usage_epoch`` (%) and ``codebook_perplexity_epoch``.

    Args:
        warn_below: Warn when less than this percentage of the codes was used in an epoch.

    Example:
        >>> custom_hooks = [dict(type='peco.CodebookHook', warn_below=20.)]
    """

    def __init__(self, warn_below: float = 10.) -> None:
        super().__init__()
        self.warn_below = warn_below

    def before_train(self, runner: Runner) -> None:
        """Check that there is a codebook, and start to count."""
        model = unwrap(runner.model)
        if not hasattr(model, 'quantizer'):
            raise TypeError(f'peco.CodebookHook: {type(model).__name__} has no quantizer; take '
                            'the hook out of custom_hooks')
        model.quantizer.reset_epoch_stats()

    def at_epoch_end(self, runner: Runner, epoch: int, step: int) -> None:
        """Report."""
        super().at_epoch_end(runner, epoch, step)
        quantizer = unwrap(runner.model).quantizer
        # Collective: every rank takes part.
        stats = quantizer.epoch_stats()
        quantizer.reset_epoch_stats()
        scalars = {f'codebook_{name}_epoch': float(value) for name, value in stats.items()}
        for name, value in scalars.items():
            runner.message_hub.update_scalar(f'codebook/{name}', value)
        runner.visualizer.add_scalars(scalars, step=step)
        runner.logger.info(f'Codebook in epoch {epoch}: {stats["usage"]:.1f} % of the codes used, '
                           f'perplexity {stats["perplexity"]:.1f}')
        if 0 < stats['usage'] < self.warn_below:
            runner.logger.warning(
                f'Only {stats["usage"]:.1f} % of the codes were used in epoch {epoch}: a codebook '
                'that stays so collapses; lower codebook_size, or raise the quantizer\'s '
                'restart_threshold')
