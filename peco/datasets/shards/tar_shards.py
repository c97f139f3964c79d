"""Images of tar shards, read in sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.dist import get_dist_info
from torch.utils.data import IterableDataset, get_worker_info

from peco.registry import DATASETS
from peco.token_cache import seeded

from .shard_index import ShardIndex

_MOST_WORKERS = 256
_NOT_THE_IMAGE = ('__key__', '__url__', '__local_path__', 'path', 'cls')


@DATASETS.register_module()
class TarShards(IterableDataset):
    """The images of a folder of shards that ``tools/make_shards.py`` wrote.

    The order of an epoch, and every random draw of the pipeline, is a function of (seed, epoch)
    for a given number of ranks and workers and a batch size: a run that is resumed at an epoch's
    end sees what it would have seen. Ranks and workers share the epoch's sequence of images
    without overlap, each the same number of whole batches; what is left over differs from epoch
    to epoch. Files are read from front to back, so the order within a shard is loosened by a
    buffer of images only.

    For training alone: an evaluation must see each image once.

    Args:
        data_root: Folder of the shards, with ``index.json``.
        pipeline: Transforms, as for :class:`peco.datasets.ImageFolder`.
        batch_size: That of the data loader, which ``tools/train.py`` fills in.
        with_label: Whether to give ``gt_label``.
        shuffle_buffer: Encoded images that wait to be drawn, in the memory of each worker of each
            rank; 1 keeps the order.
        seed: Seed of order and draws; ``tools/train.py`` fills in that of ``randomness``.

    Raises:
        FileNotFoundError: If the folder or a shard does not exist.
        ValueError: If there are no labels, or not one batch for each rank.

    Example:
        >>> TarShards('data/imagenet_shards/train', pipeline=[dict(type='peco.LoadImage')],
        ...           batch_size=256)  # doctest: +SKIP
    """

    def __init__(self,
                 data_root: str,
                 pipeline: Sequence[dict],
                 batch_size: int = 1,
                 with_label: bool = False,
                 shuffle_buffer: int = 1000,
                 seed: int = 0) -> None:
        self.folder = Path(data_root).expanduser()
        self.index = ShardIndex.read(data_root)
        if with_label and self.index.classes is None:
            raise ValueError(f"the shards of '{data_root}' have no labels: set with_label=False, "
                             'or make them with tools/make_shards.py --with-label')
        self.pipeline = Compose(pipeline)
        self.batch_size = batch_size
        self.with_label = with_label
        self.shuffle_buffer = shuffle_buffer
        self.seed = seed
        self.rank, self.world_size = get_dist_info()
        #: Whole batches of each rank in an epoch.
        self.num_batches = len(self.index) // (batch_size * self.world_size)
        if self.num_batches == 0:
            raise ValueError(f"the {len(self.index)} images of '{data_root}' give no batch of "
                             f'{batch_size} for each of {self.world_size} rank(s): set '
                             'train_dataloader.batch_size')
        self.metainfo = dict(classes=tuple(self.index.classes or ()))
        # In shared memory: workers that outlive an epoch have copies of everything else. The first
        # place is the epoch of the first pass, the others count the passes of each process, as
        # loops over iterations do not tell epochs.
        self._clock = torch.zeros(2 + _MOST_WORKERS, dtype=torch.long).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next pass gives, in the workers too; others follow it."""
        self._clock.zero_()
        self._clock[0] = epoch

    def _next_epoch(self) -> int:
        info = get_worker_info()
        place = 1 if info is None else 2 + info.id
        epoch = int(self._clock[0] + self._clock[place])
        self._clock[place] += 1
        return epoch

    def __len__(self) -> int:
        return self.num_batches * self.batch_size

    def __iter__(self) -> Iterator[dict]:
        """Samples of this rank and worker.

        Raises:
            RuntimeError: If not one image can be read.
        """
        start, count = self._share()
        epoch, given = self._next_epoch(), 0
        while given < count:
            before = given
            # Unreadable images are made up for by a second round.
            for info in self._shuffled(self._read(start, count, epoch), epoch, start):
                with seeded(self.seed, epoch, info['sample_idx'], given):
                    sample = self.pipeline(info)
                if sample is not None:
                    yield sample
                    given += 1
                if given == count:
                    return
            if given == before:
                raise RuntimeError(f"none of {count} images of '{self.folder}' can be read")

    def _share(self) -> tuple[int, int]:
        """First image of this worker in the epoch's sequence, and how many it gives."""
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        batches = [self.num_batches // workers + (number < self.num_batches % workers)
                   for number in range(workers)]
        first = self.rank * self.num_batches + sum(batches[:worker])
        return first * self.batch_size, batches[worker] * self.batch_size

    def _read(self, start: int, count: int, epoch: int) -> Iterator[dict]:
        """Images of the epoch's sequence from ``start`` on, still encoded."""
        from webdataset.tariterators import tarfile_samples
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.index.names))
        start = (start + rng.integers(len(self.index))) % len(self.index)
        for shard in (*order, *order):
            name, size = self.index.names[shard], self.index.images[shard]
            if start < size and count > 0:
                samples = tarfile_samples(iter([dict(url=str(self.folder / name))]))
                for sample in islice(samples, start, min(size, start + count)):
                    yield self._info(sample, name)
                count -= min(size, start + count) - start
            start = max(0, start - size)

    def _info(self, sample: dict, shard: str) -> dict:
        content = next(value for key, value in sample.items() if key not in _NOT_THE_IMAGE)
        info = dict(img_bytes=content, img_path=f"{shard}/{sample['path'].decode()}",
                    sample_idx=int(sample['__key__']))
        if self.with_label:
            info['gt_label'] = int(sample['cls'])
        return info

    def _shuffled(self, infos: Iterator[dict], epoch: int, start: int) -> Iterator[dict]:
        rng = np.random.default_rng([self.seed, epoch, start])
        waiting: list[dict] = []
        for info in infos:
            waiting.append(info)
            if len(waiting) >= self.shuffle_buffer:
                yield _take(waiting, rng)
        while waiting:
            yield _take(waiting, rng)


def _take(waiting: list[dict], rng: np.random.Generator) -> dict:
    position = int(rng.integers(len(waiting)))
    waiting[position], waiting[-1] = waiting[-1], waiting[position]
    return waiting.pop()
