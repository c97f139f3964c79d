"""Processes that may start CUDA, below those that must not."""

from __future__ import annotations

import os

NVML_CHECK = 'PYTORCH_NVML_BASED_CUDA_CHECK'


def ask_cuda() -> None:
    """Let torch ask CUDA itself whether there is a GPU that it can use.

    ``tools/_forking.py`` has NVML asked in its place, which leaves forks that can use CUDA but does
    not know whether CUDA works. A stage or a child calls this first.
    """
    os.environ.pop(NVML_CHECK, None)
