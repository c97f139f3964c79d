"""Write the token ids of fixed crops, by one process or several, interrupted or not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from peco.utils.write_json import write_json

from .token_cache import (
    BOXES,
    DONE,
    IDS,
    META,
    STATE,
    SUMS,
    UNREADABLE,
    difference,
    id_dtype,
    read_meta,
)


class TokenCacheWriter:
    """Fill a :class:`~peco.token_cache.TokenCache`.

    Ranks write into the same files, each its own images. An image counts as done after its ids
    have reached the disk, so that a process that is killed loses a few of them and spoils none.

    Args:
        folder: A folder that :meth:`create` prepared.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self._ids, self._boxes, self._sums, self._state = (
            np.load(self.folder / name, mmap_mode='r+') for name in (IDS, BOXES, SUMS, STATE))
        self._written: list[tuple[np.ndarray, int]] = []

    @staticmethod
    def num_bytes(meta: dict) -> int:
        """Size of a cache on disk."""
        rows, columns = meta['grid']
        of_view = rows * columns * id_dtype(meta['codebook_size']).itemsize + 5 * 4
        return meta['images'] * (meta['views'] * of_view + 4 + 1)

    @classmethod
    def create(cls, folder: str | Path, meta: dict) -> None:
        """Lay out the files of a new cache, or check that an unfinished one is the same.

        Args:
            folder: Where to; made if it does not exist.
            meta: As :attr:`peco.token_cache.TokenCache.meta`.

        Raises:
            ValueError: If the folder holds another cache or other files, or the disk is too small.
        """
        path = Path(folder).expanduser()
        saved = read_meta(path)
        if saved is not None:
            if other := difference(saved, meta):
                raise ValueError(f"'{folder}' holds another token cache: {other}. Name another "
                                 'folder with --out, or remove this one')
            return
        arrays = {IDS, BOXES, SUMS, STATE}
        if path.is_dir() and (alien := sorted({p.name for p in path.iterdir()} - arrays)):
            raise ValueError(f"'{folder}' holds other files ({', '.join(alien[:3])}): name an "
                             'empty folder with --out')
        path.mkdir(parents=True, exist_ok=True)
        needed, free = cls.num_bytes(meta), shutil.disk_usage(path).free
        if needed > free:
            raise ValueError(f"the token cache needs {needed / 2**30:.2f} GiB, '{folder}' has "
                             f'{free / 2**30:.2f} GiB free: name another folder with --out, or '
                             'fewer --views')
        shape = (meta['images'], meta['views'])
        for name, dtype, size in ((IDS, id_dtype(meta['codebook_size']), (*shape, *meta['grid'])),
                                  (BOXES, np.int32, (*shape, 5)),
                                  (SUMS, np.uint32, shape[:1]), (STATE, np.uint8, shape[:1])):
            np.lib.format.open_memmap(path / name, mode='w+', dtype=dtype, shape=size).flush()
        # Last, so that a folder with a description has all its files.
        write_json(meta, path / META)

    def missing(self) -> np.ndarray:
        """Images that are still to do, int64; those that could not be read are tried again."""
        return np.flatnonzero(self._state != DONE)

    def count(self, state: int) -> int:
        """Images in a state, such as :data:`peco.token_cache.UNREADABLE`."""
        return int(np.count_nonzero(self._state == state))

    def write(self, images: np.ndarray, ids: np.ndarray, boxes: np.ndarray,
              checksums: np.ndarray) -> None:
        """Keep ids ``(B, V, h, w)``, boxes ``(B, V, 5)`` and checksums ``(B,)`` of images."""
        self._ids[images] = ids
        self._boxes[images] = boxes
        self._sums[images] = checksums
        self._written.append((images, DONE))

    def skip(self, images: np.ndarray) -> None:
        """Note images that cannot be read; training skips them too."""
        self._written.append((images, UNREADABLE))

    def flush(self) -> None:
        """Bring everything to the disk, then count it as done."""
        self._ids.flush()
        self._boxes.flush()
        self._sums.flush()
        for images, state in self._written:
            self._state[images] = state
        self._written.clear()
        self._state.flush()
