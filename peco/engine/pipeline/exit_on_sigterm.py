"""SIGTERM as an error that unwinds the process."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def exit_with_signal(number: int, frame: FrameType | None) -> None:
    """Signal handler: end with the exit code that shells give to a signal."""
    sys.exit(128 + number)


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Within, SIGTERM raises ``SystemExit``, so that ``finally`` blocks run; main thread only."""
    before = signal.signal(signal.SIGTERM, exit_with_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
