"""One process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# File systems that know no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def stage_lock(work_dir: Path, name: str) -> Iterator[None]:
    """Hold a stage while it runs; a process that it leaves behind holds it on.

    Args:
        work_dir: Folder of the pipeline.
        name: The stage.

    Raises:
        ValueError: Another process runs the stage in this folder.

    Example:
        >>> with stage_lock(Path('work_dirs/demo'), 'tokenizer'):
        ...     pass
    """
    path = work_dir / '.locks' / name.replace('/', '--')
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'a') as file:
        # A stage may go on as another program.
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f'stage {name!r} is being run by another process under {work_dir}: '
                             'wait for it or stop it, or name another folder') from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
