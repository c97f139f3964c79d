"""Files of one JSON record a line."""

import json
from collections.abc import Iterator
from pathlib import Path


def read_json_lines(path: str | Path) -> Iterator[dict]:
    """Records of a file; a line that a killed run has left half written is skipped."""
    for line in Path(path).read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue
