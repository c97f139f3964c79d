"""Run a pipeline where its relative paths hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path


@contextmanager
def working_in(root: Path) -> Iterator[Callable[[str | None], str | None]]:
    """Go to the root of the repository, for which the paths in pipelines and configs are written.

    Args:
        root: The root.

    Yields:
        A function that makes a path given in the caller's folder hold in the root. A file of the
        root is found too, by its path there; None stays None.

    Example:
        >>> with working_in(Path('/')) as locate:
        ...     locate('/tmp/pipeline.py')
        working in /
        '/tmp/pipeline.py'
    """
    caller = Path.cwd()

    def locate(path: str | None) -> str | None:
        if path is None or caller == root:
            return path
        there = caller / path
        if not there.exists() and (root / path).is_file():
            return path
        return os.path.abspath(there)

    with chdir(root):
        if caller != root:
            print(f'working in {root}')
        yield locate
