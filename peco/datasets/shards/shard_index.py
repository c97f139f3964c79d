"""What lies in a folder of shards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from peco.utils.write_json import write_json

INDEX = 'index.json'


@dataclass
class ShardIndex:
    """Names and sizes of the shards of a folder.

    Attributes:
        names: Files, in order.
        images: Images of each.
        classes: Names of the classes, or None without labels.
    """

    names: list[str]
    images: list[int]
    classes: list[str] | None = None

    def __len__(self) -> int:
        return sum(self.images)

    def write(self, folder: Path) -> None:
        """Write ``index.json``."""
        write_json(asdict(self), folder / INDEX)

    @classmethod
    def read(cls, folder: str | Path) -> ShardIndex:
        """Read ``index.json`` and check that the shards are there.

        Raises:
            FileNotFoundError: If the index or a shard is missing.
        """
        path = Path(folder).expanduser() / INDEX
        if not path.is_file():
            raise FileNotFoundError(f"'{folder}' holds no {INDEX}: make shards with python "
                                    f'tools/make_shards.py FOLDER_OF_IMAGES {folder}')
        index = cls(**json.loads(path.read_text()))
        missing = [name for name in index.names if not (path.parent / name).is_file()]
        if missing:
            raise FileNotFoundError(f"'{folder}' lacks {len(missing)} of {len(index.names)} shards "
                                    f'of its {INDEX}, the first: {missing[0]}')
        return index
