"""Read the token ids of fixed crops."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

META, IDS, BOXES, STATE = 'meta.json', 'ids.npy', 'boxes.npy', 'state.npy'
SUMS = 'sums.npy'
VERSION = 1
MISSING, DONE, UNREADABLE = 0, 1, 2
# What a config has to agree with; the tokenizer's path may change.
_FIXED = dict(
    version='the format', images='the number of images', views='the number of views',
    seed='the seed of the crops', grid='the grid of tokens',
    codebook_size='the size of the codebook', data='the list of files',
    pipeline='the transforms before the mask', tokenizer='the tokenizer',
    tokenizer_amp="the model's tokenizer_amp")


class TokenCache:
    """Ids of ``V`` crops of each of ``N`` images, in a folder that ``tools/cache_tokens.py`` wrote.

    A crop is determined by (seed, image, view), so the folder holds no pictures. ``boxes.npy``
    keeps the crop boxes and ``sums.npy`` a checksum of some pixels of each image, by which a
    replay notices that it is not the same crop. Files are mapped into memory when they are first
    read, in each process anew.

    Attributes:
        folder: Where it lies.
        meta: ``images``, ``views``, ``grid`` (rows, columns), ``codebook_size``, ``seed``, and what
            it was made from: ``tokenizer`` (``path``, ``fingerprint``), ``data`` (fingerprint of
            the list of files), ``pipeline`` (the transforms of a view), ``tokenizer_amp``.

    Args:
        folder: A complete cache.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is not complete.

    Example:
        >>> cache = TokenCache('work_dirs/peco/token_cache')  # doctest: +SKIP
        >>> cache.ids(image=0, view=3).shape  # doctest: +SKIP
        (14, 14)
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self.meta = read_meta(self.folder)
        if self.meta is None:
            raise FileNotFoundError(f"'{folder}' holds no token cache: make it with python "
                                    f'tools/cache_tokens.py CONFIG --out {folder}')
        self.check(version=VERSION)
        missing = int(np.count_nonzero(self._map(STATE) == MISSING))
        if missing:
            raise ValueError(f"the token cache '{folder}' lacks {missing:,} of "
                             f"{self.meta['images']:,} images: run the same "
                             'tools/cache_tokens.py again, it goes on where it was')
        self._arrays: dict[str, np.ndarray] = {}

    def __getstate__(self) -> dict:
        # A mapped array would travel to another process with all its content.
        return dict(self.__dict__, _arrays={})

    def _map(self, name: str) -> np.ndarray:
        return np.load(self.folder / name, mmap_mode='r')

    def _opened(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            self._arrays[name] = self._map(name)
        return self._arrays[name]

    @property
    def views(self) -> int:
        """Crops of an image."""
        return self.meta['views']

    def ids(self, image: int, view: int) -> np.ndarray:
        """Token ids of a crop, int64 of shape ``(h, w)``."""
        return self._opened(IDS)[image, view].astype(np.int64)

    def box(self, image: int, view: int) -> tuple[int, int, int, int, bool]:
        """Crop box in pixels and flip: ``(x, y, w, h, flip)``."""
        *box, flip = self._opened(BOXES)[image, view].tolist()
        return (*box, bool(flip))

    def checksum(self, image: int) -> int | None:
        """Checksum of the image that was tokenized; None where it could not be read."""
        if self._opened(STATE)[image] == UNREADABLE:
            return None
        return int(self._opened(SUMS)[image])

    def check(self, **now: Any) -> None:
        """Compare what the cache was made from with what it is to be used with.

        Args:
            **now: Entries of :attr:`meta`.

        Raises:
            ValueError: If one differs.
        """
        if stale := difference(self.meta, now):
            raise ValueError(f"the token cache '{self.folder}' is stale: {stale}. Make another: "
                             'python tools/cache_tokens.py CONFIG --out FOLDER')


def read_meta(folder: Path) -> dict | None:
    """The description of a cache, or None where there is none."""
    path = folder / META
    return json.loads(path.read_text()) if path.is_file() else None


def difference(saved: dict, now: dict) -> str | None:
    """Say in what two descriptions differ, or None where they agree."""
    for key, value in now.items():
        # Caches of earlier versions are all of float32.
        old = saved.get(key, False) if key == 'tokenizer_amp' else saved[key]
        new = json.loads(json.dumps(value))
        if key == 'tokenizer':
            old, new = old['fingerprint'], new['fingerprint']
        if old == new:
            continue
        if isinstance(old, list) and key == 'pipeline':
            only_old, only_new = [x for x in old if x not in new], [x for x in new if x not in old]
            if only_old or only_new:
                old, new = only_old, only_new
        return f'{_FIXED[key]} was {old}, now it is {new}'
    return None


def image_checksum(image: np.ndarray) -> int:
    """Checksum of every eighth pixel of an image ``(H, W, 3)``, and of its size."""
    return zlib.crc32(np.ascontiguousarray(image[::8, ::8]), zlib.crc32(repr(image.shape).encode()))


def id_dtype(codebook_size: int) -> np.dtype:
    """Smallest of uint16 and uint32 that holds every id."""
    return np.dtype(np.uint16 if codebook_size <= 2**16 else np.uint32)
