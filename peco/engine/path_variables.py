"""Environment variables from which a config takes its folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.config import Config

# As a config file writes it: '{{$PECO_CIFAR10_DIR:data/cifar10}}/train'.
_VARIABLE = re.compile(r'\{\{\s*\$\s*(\w+)\s*:\s*([^}]*?)\s*\}\}')


def variable_of(cfg: Config, path: str) -> str | None:
    """Return the environment variable that gave a config this path, or a folder above it.

    Args:
        cfg: A config read from a file.
        path: The path, as written in the config.

    Returns:
        The variable's name; None if there is none.

    Example:
        >>> from mmengine.config import Config
        >>> cfg = Config(dict(), cfg_text="train_dir = '{{$PECO_TRAIN_DIR:data/train}}'")
        >>> variable_of(cfg, 'data/train')  # doctest: +SKIP
        'PECO_TRAIN_DIR'
    """
    for name, default in _VARIABLE.findall(cfg.text or ''):
        folder = os.environ.get(name, default).rstrip('/')
        if folder and (path.rstrip('/') == folder or path.startswith(f'{folder}/')):
            return name
    return None


@contextmanager
def default_folders(cfg: Config) -> Iterator[bool]:
    """Within, the environment variables that a config names are not set.

    Args:
        cfg: A config read from a file.

    Yields:
        Whether any was set, so that the config would read otherwise.
    """
    names = {name for name, _ in _VARIABLE.findall(cfg.text or '')}
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield bool(kept)
    finally:
        os.environ.update(kept)
