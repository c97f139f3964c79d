"""What the hardware could do at best."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from peco.utils.run_in_child import run_in_child
from peco.utils.take_turns import take_turns

from .contest import DTYPES

# The matrix products of ViT-B's MLP on 8 images, forward and backward, and a large square one.
_SHAPES = ((1576, 768, 3072), (1576, 3072, 768), (768, 1576, 3072), (2048, 2048, 2048))


def matmul_gflops(device: str, threads: int | None, rounds: int = 5) -> dict[str, float]:
    """Best rate of bare matrix products, in GFLOP/s, for each dtype.

    Args:
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls of each shape.
    """
    return run_in_child(_matmul_gflops, device, rounds, threads=threads)[0]


def _matmul_gflops(device: str, rounds: int) -> dict[str, float]:
    best = {}
    # Many images fill a GPU that eight do not.
    shapes = _SHAPES + (((8192, 8192, 8192), ) if device == 'cuda' else ())
    for name, dtype in DTYPES.items():
        products: dict[str, Callable[[], object]] = {}
        for m, k, n in shapes:
            a, b = (torch.randn(shape, device=device, dtype=dtype) for shape in ((m, k), (k, n)))
            products[f'{m}x{k}x{n}'] = lambda a=a, b=b: [a @ b for _ in range(4)]
        times = take_turns(products, rounds, device=device)
        best[name] = max(4 * 2 * m * k * n / min(seconds) / 1e9
                         for (m, k, n), seconds in zip(shapes, times.values(), strict=True))
    return best


def count_flops(call: Callable[[], object]) -> int:
    """Floating point operations of the matrix products and convolutions of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def flops_of(make: Callable[..., Callable[[], object]], *args: object, **kwargs: object) -> int:
    """The same, of a call that is built in a child process."""
    return run_in_child(_flops_of, make, args, kwargs)[0]


def _flops_of(make: Callable[..., Callable[[], object]], args: tuple, kwargs: dict) -> int:
    return count_flops(make(*args, **kwargs))
