"""Memory of a run on the CPU."""

from __future__ import annotations

import ctypes

# Options of glibc's mallopt (malloc.h).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_PAD = 64 * 2**20


def keep_freed_memory() -> bool:
    """Let this process use freed memory again instead of returning it to the kernel.

    By default glibc maps each large tensor anew and unmaps it when it is freed, so that every
    training step on the CPU faults in all its pages again. What the process holds then stays at its
    peak.

    Returns:
        Whether the C library could be told so: glibc can.

    Example:
        >>> from peco.engine.host_memory import keep_freed_memory
        >>> keep_freed_memory()  # doctest: +SKIP
        True
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return all([mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, 2**31 - 1),
                mallopt(_TOP_PAD, _PAD)])
