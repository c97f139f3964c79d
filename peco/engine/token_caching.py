"""Tokenize fixed crops of a data set, on one rank or several."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from peco.datasets import ImageFolder, SeededViews, ViewPipeline
from peco.models.pretrainers import PeCo
from peco.token_cache import VERSION, TokenCacheWriter

_SECONDS_BETWEEN_FLUSHES = 20.


def describe_cache(model: PeCo, dataset: ImageFolder, views: int, seed: int) -> dict:
    """What the token cache of a pretraining config holds and is made from.

    Args:
        model: The pretrainer, with its tokenizer.
        dataset: Its training images.
        views: Crops of each image.
        seed: Seed of the crops.

    Returns:
        As :attr:`peco.token_cache.TokenCache.meta`.
    """
    return dict(
        version=VERSION, images=len(dataset), views=views, grid=list(model.backbone.grid),
        codebook_size=model.tokenizer.codebook_size, seed=seed, tokenizer=model.tokenizer_info,
        tokenizer_amp=model.tokenizer_amp, data=dataset.files_fingerprint,
        pipeline=ViewPipeline(dataset.pipeline).describe())


def fill_cache(model: PeCo, dataset: ImageFolder, folder: str | Path, views: int, seed: int,
               batch_size: int, num_workers: int, device: str | torch.device = 'cpu',
               rank: int = 0, world_size: int = 1) -> Iterator[tuple[int, int]]:
    """Tokenize what a cache lacks, with the model's own ``tokenize``.

    Args:
        model: The pretrainer, with its tokenizer.
        dataset: Its training images.
        folder: Where :meth:`peco.token_cache.TokenCacheWriter.create` laid out the files.
        views: Crops of each image.
        seed: Seed of the crops.
        batch_size: Crops at once.
        num_workers: Processes that read images.
        device: Where the tokenizer runs.
        rank: Which share of the missing images is this process's.
        world_size: Number of shares.

    Yields:
        Images of this share that are done, and its size.
    """
    writer = TokenCacheWriter(folder)
    # By the number of the image: others may have written some before this rank looks.
    images = writer.missing()
    images = images[images % world_size == rank]
    loader = DataLoader(
        SeededViews(dataset, images, views, seed), batch_size=max(1, batch_size // views),
        num_workers=num_workers, collate_fn=list)
    model = model.to(device).eval()
    done, flushed = 0, time.monotonic()
    yield done, len(images)
    try:
        for batch in loader:
            _write(writer, model, batch)
            done += len(batch)
            if time.monotonic() - flushed > _SECONDS_BETWEEN_FLUSHES:
                writer.flush()
                flushed = time.monotonic()
            yield done, len(images)
    finally:
        writer.flush()


def _write(writer: TokenCacheWriter, model: PeCo, batch: list[dict]) -> None:
    unreadable = [item['image'] for item in batch if 'inputs' not in item]
    if unreadable:
        writer.skip(np.array(unreadable))
    items = [item for item in batch if 'inputs' in item]
    if not items:
        return
    crops = torch.stack([item['inputs'] for item in items])
    images = model.data_preprocessor(dict(inputs=crops.flatten(0, 1)))['inputs'][-1]
    # As --amp would, for a model whose tokenizer follows it.
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=model.tokenizer_amp):
        ids = model.tokenize(images)
    writer.write(np.array([item['image'] for item in items]),
                 ids.unflatten(0, crops.shape[:2]).cpu().numpy(),
                 np.stack([item['boxes'] for item in items]),
                 np.array([item['checksum'] for item in items], np.uint32))
