"""Files that are never left half written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a path to write to, with the same suffix; the file then takes its place in one step.

    Folders are made. If the block fails, what it wrote is removed and a file that was there stays.

    Args:
        path: The file.

    Yields:
        The path to write to.

    Example:
        >>> with whole_file('figures.csv') as unfinished:
        ...     _ = unfinished.write_text('top1')
        >>> Path('figures.csv').read_text()
        'top1'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may write the same file; the later one counts.
    unfinished = path.with_name(f'.part.{os.getpid()}.{path.name}')
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
