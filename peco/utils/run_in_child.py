"""Peak memory of a piece of work, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

from .ask_cuda import ask_cuda
from .peak_memory import peak_memory

Result = TypeVar('Result')


def run_in_child(function: Callable[..., Result], *args: Any,
                 threads: int | None = None) -> tuple[Result, float]:
    """Call a function in a new process.

    Args:
        function: A function of a module, so that the child can import it.
        *args: Its arguments.
        threads: Threads of torch; None leaves torch's own choice.

    Returns:
        What it returned, and the child's peak memory in MiB: of all tensors on the GPU where
        there are any, else of the process, libraries included.

    Example:
        >>> result, peak_mib = run_in_child(len, [1, 2])  # doctest: +SKIP
    """
    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:
        return pool.submit(_measured, function, args, threads).result()


def _measured(function: Callable[..., Result], args: tuple,
              threads: int | None) -> tuple[Result, float]:
    ask_cuda()
    if threads is not None:
        torch.set_num_threads(threads)
    result = function(*args)
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return result, torch.cuda.max_memory_allocated() / 2**20
    return result, peak_memory()
