"""Look at a model during training without a trace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def keep_state(model: nn.Module, seed: int | None = None) -> Iterator[None]:
    """Switch to eval mode without gradient; then give back every mode and random state.

    Args:
        model: Its modules get back their own mode each, also those that were frozen.
        seed: Seed inside, so that what is drawn is the same every time.
    """
    modes = {module: module.training for module in model.modules()}
    python_state, numpy_state = random.getstate(), np.random.get_state()
    gpus = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(gpus), torch.no_grad():
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
        model.eval()
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            random.setstate(python_state)
            np.random.set_state(numpy_state)
