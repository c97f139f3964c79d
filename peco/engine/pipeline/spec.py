"""Files that list stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from peco.utils.config import load_config


def read_spec(path: str, kind: str, parts: Sequence[str],
              foreign: Mapping[str, str] | None = None) -> dict:
    """Read a file of stages.

    Args:
        path: A Python config.
        kind: What it is, for errors.
        parts: What it must hold.
        foreign: Parts that files of another kind hold, and the tool that runs those.

    Returns:
        The config.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: A part is missing, or it is of another kind.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{kind} file {path} does not exist')
    spec = load_config(path)
    for part, tool in (foreign or {}).items():
        if part in spec:
            raise ValueError(f"'{path}' is no {kind} file: it has {part}; run it by "
                             f'`{tool} {path}`')
    missing = [key for key in parts if key not in spec]
    if missing:
        raise ValueError(f"'{path}' is no {kind} file: it has no {', '.join(missing)}")
    return spec


def fill(value: Any, names: dict[str, str]) -> Any:
    """Put names in the place of words in braces, in every string of a config value, keys too."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f'{{{name}}}', text)
        return value
    if isinstance(value, dict):
        return {fill(key, names): fill(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(fill(item, names) for item in value)
    return value
