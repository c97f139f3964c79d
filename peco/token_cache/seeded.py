"""Random draws that a key determines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Seed the global generators of numpy, Python and torch inside, and give their states back.

    Args:
        *key: Non-negative integers, such as seed, image and view: other keys, other draws.

    Example:
        >>> with seeded(0, 7, 1):
        ...     first = np.random.random()
        >>> with seeded(0, 7, 1):
        ...     first == np.random.random()
        True
    """
    of_numpy, of_python = np.random.get_state(), random.getstate()
    of_torch = torch.get_rng_state()
    words = np.random.SeedSequence(key).generate_state(4)
    np.random.seed(words)
    random.seed(int(words[0]))
    torch.default_generator.manual_seed(int(words[0]))
    try:
        yield
    finally:
        np.random.set_state(of_numpy)
        random.setstate(of_python)
        torch.set_rng_state(of_torch)
