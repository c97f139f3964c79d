"""Processes that end with the one that started them."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Let this process end when its parent is killed (Linux).

    Args:
        parent: Process that has started this one; call it in the new process, first of all.
    """
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed in the meantime
            sys.exit(128 + signal.SIGTERM)
