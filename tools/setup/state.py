"""The stamp inside ``.venv`` and the locks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import packages

STAMP = 'peco-setup.json'


def key(mode: str, python: str) -> str:
    """Hash of all that decides what is installed."""
    digest = hashlib.sha256(f'{packages.ROOT}\n{mode}\n{python}\n'.encode())
    for path in [*sorted(packages.REQUIREMENTS.glob('*.txt')), packages.ROOT / 'setup.py']:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def read(venv: Path) -> dict:
    """The stamp, or an empty dict where there is none that can be read."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write(venv: Path, **values: object) -> None:
    """Replace the stamp in one go."""
    partial = venv / f'{STAMP}.{os.getpid()}'
    partial.write_text(json.dumps(values), encoding='utf-8')
    partial.replace(venv / STAMP)


def setup_lock() -> Path:
    """Lock file of this checkout; outside of it, so that nothing has to be ignored or cleared."""
    name = hashlib.sha256(str(packages.ROOT).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f'peco-setup-{os.getuid()}-{name}.lock'


@contextlib.contextmanager
def lock(path: Path, waiting: str) -> Iterator[int]:
    """Hold an exclusive lock; prints ``waiting`` once a quarter minute while another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        last = 0.
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - last >= 15:
                    last = time.monotonic()
                    print(f'      {waiting}', flush=True)
                time.sleep(0.5)
        yield descriptor
    finally:
        os.close(descriptor)
