"""Mixed precision in bfloat16, on GPUs and CPUs alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from peco.engine.dense.float32_islands import add_float32_islands
from peco.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(OptimWrapper):
    """Run the forward pass under bfloat16 autocast; weights and optimizer stay in float32.

    bfloat16 has the exponent range of float32, so gradients need no loss scaler. mmengine's
    class of the same name refuses to run on a CPU. Detectors and segmentors keep boxes, logits
    and RoI features in float32 (see :func:`add_float32_islands`).

    Args:
        dtype: ``'bfloat16'``, or ``'float32'`` for no autocast, by which a config that names this
            class can be run in full precision.
        **kwargs: Arguments of :class:`mmengine.optim.OptimWrapper` (optimizer, clip_grad,
            accumulative_counts ...).

    Raises:
        ValueError: Another dtype, or (on first use) a GPU without bfloat16.

    Example:
        >>> optim_wrapper = dict(
        ...     type='peco.AmpOptimWrapper',
        ...     optimizer=dict(type='AdamW', lr=1.5e-3),
        ...     clip_grad=dict(max_norm=3.0))
    """

    def __init__(self, dtype: str = 'bfloat16', **kwargs) -> None:
        if dtype not in ('bfloat16', 'float32', torch.bfloat16, torch.float32):
            raise ValueError(f"dtype={dtype!r}: peco.AmpOptimWrapper runs in 'bfloat16'; for "
                             "float16 on a GPU use type='mmengine.AmpOptimWrapper'")
        super().__init__(**kwargs)
        self.enabled = dtype in ('bfloat16', torch.bfloat16)
        self._prepared: nn.Module | None = None
        #: Set by :class:`peco.engine.hooks.RuntimeInfoHook`, which then reads ``grad_norm``.
        self.defers_grad_norm = False
        #: Norm of the gradients before clipping; whoever reads it sets it back to None.
        self.grad_norm: Tensor | None = None

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Wrap one forward pass of ``model``: autocast, and no gradient exchange that is vain."""
        if not self.enabled:
            with super().optim_context(model):
                yield
            return
        device = next(model.parameters()).device
        if device.type == 'cuda' and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise ValueError(f"GPU '{torch.cuda.get_device_name(device)}' has no bfloat16: train "
                             'without --amp, or, where the config names this class, by '
                             '--cfg-options optim_wrapper.dtype=float32, or in float16: '
                             'optim_wrapper.type=mmengine.AmpOptimWrapper '
                             'optim_wrapper.dtype=float16 (tokenizers in float32 only)')
        if self._prepared is not model:
            add_float32_islands(model)
            self._prepared = model
        with super().optim_context(model), torch.autocast(device.type, dtype=torch.bfloat16):
            yield

    def _clip_grad(self) -> None:
        if not self.defers_grad_norm:
            super()._clip_grad()
            return
        params = [param for group in self.optimizer.param_groups for param in group['params']
                  if param.requires_grad and param.grad is not None]
        if params:
            # mmengine turns the norm into a number here, which waits for a GPU.
            self.grad_norm = self.clip_func(params, **self.clip_grad_kwargs)
