"""Folders that are never left half written."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Give a new folder to write into, which then takes its place in one step.

    If the block fails or is left, what it wrote is removed; what a killed one left, at the start.
    If another process has made the folder meanwhile, what was written stays beside it.

    Args:
        path: The folder, which must not be there yet.

    Yields:
        The folder to write into.

    Raises:
        FileExistsError: If the folder is there already, or at the end.

    Example:
        >>> with whole_folder('pictures') as unfinished:
        ...     _ = (unfinished / 'notes.txt').write_text('none yet')
        >>> Path('pictures/notes.txt').read_text()
        'none yet'
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"'{path}' is there already: name another folder, or remove it")
    unfinished = path.with_name(f'.part.{path.name}')
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    try:
        unfinished.rename(path)
    except OSError as error:
        raise FileExistsError(f"'{path}' was made by something else meanwhile; what was written is "
                              f"in '{unfinished}'") from error
