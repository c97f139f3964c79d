"""Results as a file."""

import json
from pathlib import Path
from typing import Any


def write_json(content: Any, path: str | Path) -> None:
    """Write JSON in one step: a file is never left half written. Folders are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'.{path.name}.part')
    unfinished.write_text(json.dumps(content, indent=2) + '\n')
    unfinished.replace(path)
