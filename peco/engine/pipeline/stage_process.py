"""A stage in a process of its own that starts in milliseconds."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.device import get_device

from peco.utils.ask_cuda import ask_cuda
from peco.utils.peak_memory import peak_memory

from .end_with import end_with

PEAK_MEMORY = 'peak memory of the process:'
_FRESH = ('import sys; from peco.engine.pipeline.stage_process import run_tool; '
          'run_tool(sys.argv[1:])')


def _child(argv: list[str], write_end: int, parent: int) -> None:
    end_with(parent)
    os.dup2(write_end, 1)
    os.dup2(write_end, 2)
    os.close(write_end)
    ask_cuda()
    # mmengine looked for a GPU when it was imported, in the first process of all.
    if get_device() == 'cuda' and torch.cuda._is_in_bad_fork():
        os.environ['OMP_NUM_THREADS'] = str(torch.get_num_threads())
        os.execv(sys.executable, [sys.executable, '-u', '-c', _FRESH, *argv])
    sys.stdout = os.fdopen(1, 'w', buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)
    run_tool(argv)


def run_tool(argv: list[str]) -> None:
    """Run a Python tool in this process, and tell the memory that it took.

    Args:
        argv: Tool and arguments.
    """
    sys.argv = list(argv)
    # As ``python tools/x.py`` does.
    sys.path.insert(0, str(Path(argv[0]).parent))
    try:
        runpy.run_path(argv[0], run_name='__main__')
    finally:
        print(f'{PEAK_MEMORY} {peak_memory():.0f} MiB')


class StageProcess:
    """Run a Python tool in a fork of this process, which has the libraries imported already.

    Importing torch, mmpretrain and timm takes longer than many a small stage; a fork shares the
    imports and still isolates the stage's state. A process that asked CUDA for GPUs, were it only
    for their number, has useless forks: there a new interpreter takes the fork's place, and imports
    all anew. A parent that is killed takes the stage with it (Linux).

    Args:
        argv: Tool and arguments.
        log_path: File that collects what the tool prints.

    Example:
        >>> process = StageProcess(['tools/print_config.py', 'c.py'], Path('log.txt'))
        >>> process.run(print)  # doctest: +SKIP
        0
    """

    def __init__(self, argv: list[str], log_path: Path) -> None:
        self.argv = argv
        self.log_path = log_path

    def run(self, on_line: Callable[[str], None]) -> int:
        """Run to the end, hand each printed line to ``on_line``, return the exit code."""
        read_end, write_end = os.pipe()
        process = multiprocessing.get_context('fork').Process(
            target=_child, args=(self.argv, write_end, os.getpid()))
        process.start()
        os.close(write_end)
        try:
            with os.fdopen(read_end, errors='replace') as pipe, open(self.log_path, 'a') as log:
                log.write(f'$ python {" ".join(self.argv)}\n')
                for line in pipe:
                    log.write(line)
                    log.flush()
                    on_line(line.rstrip('\n'))
            process.join()
        finally:
            if process.is_alive():
                process.terminate()
                process.join()
        return process.exitcode
