"""The size of the images that a tokenizer was trained on."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS


@HOOKS.register_module()
class TokenizerSizeHook(Hook):
    """Write the size of the training images into the checkpoints of a tokenizer.

    A tokenizer need not hold for another size: brightness and contrast can hide in what depends on
    it, such as padding and the statistics of groups. :class:`peco.models.PeCo` warns where the
    sizes differ. ``tools/train.py`` adds this hook to every model with a ``quantizer``.

    Example:
        >>> custom_hooks = [dict(type='peco.TokenizerSizeHook')]
    """

    def __init__(self) -> None:
        self._size = None

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None,
                         outputs=None) -> None:
        """Look at the first batch."""
        if self._size is None:
            self._size = list(data_batch['inputs'][0].shape[-2:])

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add ``checkpoint['image_size']``: height and width in pixels."""
        checkpoint['image_size'] = self._size
