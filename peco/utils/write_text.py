"""Text as a file."""

from pathlib import Path


def write_text(text: str, path: str | Path) -> None:
    """Write text in one step: a file is never left half written. Folders are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'.{path.name}.part')
    unfinished.write_text(text)
    unfinished.replace(path)
