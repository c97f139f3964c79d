"""Results as a file."""

import json
from pathlib import Path
from typing import Any

from .write_text import write_text


def write_json(content: Any, path: str | Path) -> None:
    """Write JSON as :func:`write_text` does."""
    write_text(json.dumps(content, indent=2) + '\n', path)
