"""Peak memory of this process."""

from pathlib import Path


def peak_memory() -> float:
    """Most memory that this process has held, in MiB, libraries included.

    Not ``ru_maxrss``: Linux hands that of the parent process down to the child.

    Example:
        >>> peak_memory() > 10
        True
    """
    lines = Path('/proc/self/status').read_text().splitlines()
    line = next(line for line in lines if line.startswith('VmHWM:'))
    return int(line.split()[1]) / 1024
