"""Text as a file."""

from pathlib import Path

from .whole_file import whole_file


def write_text(text: str, path: str | Path) -> None:
    """Write text as a :func:`whole_file`."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text)
