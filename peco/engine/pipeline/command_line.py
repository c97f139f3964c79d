"""What the pipeline's command-line tools share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import torch

from peco.utils.run_in_child import run_in_child

from .pipeline import Pipeline


def add_amp_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--amp``, for :func:`run_from_command_line`."""
    parser.add_argument(
        '--amp', choices=['auto', 'on', 'off'], default='auto',
        help='train in bfloat16; auto: where the machine computes in it (default)')


def bf16_is_native() -> bool:
    """Whether this machine, or each of its GPUs, computes in bfloat16 rather than emulating it."""
    # device_count does not start CUDA, which a process that forks must not.
    if torch.cuda.device_count() > 0:
        return run_in_child(_gpus_have_bf16)[0]
    return torch.cpu._is_avx512_bf16_supported()


def _gpus_have_bf16() -> bool:
    if not torch.cuda.is_available():  # a driver that is too old, say: the stages tell it
        return False
    for index in range(torch.cuda.device_count()):
        with torch.cuda.device(index):
            if not torch.cuda.is_bf16_supported(including_emulation=False):
                return False
    return True


def redo_stage(pipeline: Pipeline, name: str) -> None:
    """Make a stage again, with what follows it, and tell which ones these are."""
    moved = pipeline.redo(name)
    print(f'moved aside, to be made again: {", ".join(moved) or "nothing"}')


def run_from_command_line(make: Callable[[bool], Pipeline],
                          amp: str = 'auto',
                          redo: str | None = None,
                          until: str | None = None,
                          finish: Callable[[Pipeline], None] | None = None) -> int:
    """Build a pipeline and run it; a bad file or stage is one line on stderr and exit code 2.

    Args:
        make: Builds the pipeline from whether to train in bfloat16.
        amp: ``'on'``, ``'off'`` or ``'auto'``: where it is native.
        redo: Stage to make again, with all after it.
        until: Last stage to run.
        finish: Called with the pipeline when all went well.
    """
    # Imported before the first fork, so that no stage has to import them again.
    import mmpretrain.models  # noqa: F401

    import peco.models  # noqa: F401
    try:
        pipeline = make(amp == 'on' or (amp == 'auto' and bf16_is_native()))
        if until is not None:
            pipeline.index(until)  # before anything is moved
        if redo:
            redo_stage(pipeline, redo)
        code = pipeline.run(until=until)
    except (FileNotFoundError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    if code == 0 and finish is not None:
        finish(pipeline)
    return code
