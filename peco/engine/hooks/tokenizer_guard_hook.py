"""Keep a pretraining run on the tokenizer that it began with."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS

from .epoch_end import unwrap


@HOOKS.register_module()
class TokenizerGuardHook(Hook):
    """Write path and fingerprint of the tokenizer into checkpoints, and check them on resume.

    A pretraining checkpoint does not hold the tokenizer, and ids of another tokenizer mean
    something else: a run resumed on it would learn nonsense without a sign. The path may differ,
    the weights may not. ``load_from`` is not checked: it starts a new run.

    Raises:
        TokenizerMismatchError: On ``--resume``, if the tokenizer has other weights, or if the
            checkpoint does not tell which one it was trained with.

    Example:
        >>> custom_hooks = [dict(type='peco.TokenizerGuardHook')]
    """

    def before_run(self, runner: Runner) -> None:
        """Compute the fingerprint once: the tokenizer is frozen."""
        model = unwrap(runner.model)
        if not hasattr(model, 'tokenizer_info'):
            raise TypeError(f'peco.TokenizerGuardHook: {type(model).__name__} has no '
                            'tokenizer_info; take the hook out of custom_hooks')
        self._info = dict(model.tokenizer_info)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add ``checkpoint['tokenizer']``."""
        checkpoint['tokenizer'] = dict(self._info)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare, when a run is resumed."""
        if not runner._resume:
            return
        saved, current = checkpoint.get('tokenizer'), self._info
        if saved is None:
            raise TokenizerMismatchError(
                'the checkpoint does not tell which tokenizer it was trained with, so it cannot '
                'be resumed safely: start a new run from its weights with --cfg-options '
                'load_from=CHECKPOINT')
        if problem := tokenizer_mismatch(saved, current):
            raise TokenizerMismatchError(
                f'{problem}. Set model.tokenizer_checkpoint to the first, or start a new run '
                'without --resume')


def tokenizer_mismatch(saved: dict, current: dict) -> str | None:
    """Say that two tokenizers differ, or None where they are the same.

    Args:
        saved: ``checkpoint['tokenizer']``, with ``path`` and ``fingerprint``.
        current: The same of the config's tokenizer.
    """
    if saved['fingerprint'] == current['fingerprint']:
        return None
    return (f"the checkpoint was trained on the tokenizer '{saved['path']}' (fingerprint "
            f"{saved['fingerprint']}), but the config names '{current['path']}' (fingerprint "
            f"{current['fingerprint']}): ids of two tokenizers do not mean the same")


class TokenizerMismatchError(RuntimeError):
    """A run was to be resumed with another tokenizer."""
