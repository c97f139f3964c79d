"""Mixed precision of detectors and segmentors in a run."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS

from .float32_islands import add_float32_islands


@HOOKS.register_module()
class Float32IslandsHook(Hook):
    """Call :func:`add_float32_islands` before a run, for ``test_cfg=dict(fp16=True)`` as well.

    :class:`AmpOptimWrapper` does it by itself in training.

    Example:
        >>> custom_hooks = [dict(type='peco.Float32IslandsHook')]
    """

    def before_run(self, runner: Runner) -> None:
        """Prepare the model."""
        add_float32_islands(runner.model)
