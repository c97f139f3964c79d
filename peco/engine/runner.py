"""The Runner of the tools."""

from __future__ import annotations

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner as BaseRunner


class Runner(BaseRunner):
    """mmengine's Runner, whose automatic learning rate counts accumulated gradients as images.

    mmengine scales by ranks times ``batch_size`` alone, so that a smaller batch with as many more
    ``accumulative_counts`` would train at a fraction of the rate.

    Example:
        >>> Runner.from_cfg(cfg).train()  # doctest: +SKIP
    """

    def scale_lr(self, optim_wrapper: OptimWrapper | OptimWrapperDict,
                 auto_scale_lr: dict | None = None) -> None:
        """Scale the rates by the images of an update over ``base_batch_size``."""
        counts = accumulated(optim_wrapper)
        if counts > 1 and auto_scale_lr is not None and 'base_batch_size' in auto_scale_lr:
            auto_scale_lr = dict(
                auto_scale_lr, base_batch_size=auto_scale_lr['base_batch_size'] / counts)
        super().scale_lr(optim_wrapper, auto_scale_lr)


def accumulated(optim_wrapper: OptimWrapper | OptimWrapperDict) -> int:
    """Batches of an update; 1 where several optimizers have numbers of their own."""
    return getattr(optim_wrapper, '_accumulative_counts', 1)
