"""Several tasks at a time, each in a fork of this process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait

from ..pipeline.end_with import end_with
from ..pipeline.exit_on_sigterm import exit_on_sigterm, exit_with_signal


def run_side_by_side(tasks: Mapping[str, Callable[[int], int]], jobs: int,
                     on_end: Callable[[str, int], None] | None = None) -> dict[str, int]:
    """Run tasks, ``jobs`` at a time; one that fails does not stop the others.

    Args:
        tasks: Functions that take their place among those that run (0 to ``jobs`` - 1) and return
            an exit code, by name. They start in this order.
        jobs: Most tasks at a time.
        on_end: Called with name and exit code when a task is over.

    Returns:
        Exit codes by name.

    Raises:
        ValueError: ``jobs`` is below one.

    Example:
        >>> run_side_by_side(dict(good=lambda place: 0, bad=lambda place: 3), jobs=2)
        {'good': 0, 'bad': 3}
    """
    if jobs < 1:
        raise ValueError(f'jobs must be at least 1, got {jobs}')
    context = multiprocessing.get_context('fork')
    waiting, running, codes = list(tasks), {}, {}
    places = list(range(jobs))
    with exit_on_sigterm():
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    name, place = waiting.pop(0), places.pop(0)
                    process = context.Process(target=_exit_with,
                                              args=(tasks[name], place, os.getpid()))
                    process.start()
                    running[process.sentinel] = (name, place, process)
                for sentinel in wait(list(running)):
                    name, place, process = running.pop(sentinel)
                    process.join()
                    places.append(place)
                    codes[name] = process.exitcode
                    if on_end is not None:
                        on_end(name, process.exitcode)
        finally:
            for *_, process in running.values():
                process.terminate()
                process.join()
    return {name: codes[name] for name in tasks}


def _exit_with(task: Callable[[int], int], place: int, parent: int) -> None:
    end_with(parent)
    # So that what a task has started ends with it.
    signal.signal(signal.SIGTERM, exit_with_signal)
    sys.exit(task(place))
