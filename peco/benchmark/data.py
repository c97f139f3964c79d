"""Reading images for pretraining: file to views and mask, on one core."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from peco.utils.run_in_child import run_in_child
from peco.utils.take_turns import take_turns

from .contest import Contestant, hold
from .report import Report

_IMAGES = 64
_SIZE = 500, 375


def measure(root: Path, device: str = 'cpu', threads: int | None = None, rounds: int = 3,
            images: int = _IMAGES) -> Report:
    """BEiT's views of 224 and 112 px and a mask: our pipeline beside that of mmpretrain's config.

    Each does it its own way: mmpretrain's changes the colours of the whole image before it crops,
    and its second view is resampled by Lanczos; ours changes colours after the crop, and both views
    are bicubic and filtered. Two more rows leave the colours alone: what is left without that.

    Args:
        root: The repository, with ``configs``.
        device: Not used: images are read on the CPU.
        threads: Not used: a loader process has one.
        rounds: Calls that count.
        images: JPEG files of 500x375, made on the spot.

    Returns:
        ``limit`` has the rate of bare decoding and its share of our time.
    """
    with tempfile.TemporaryDirectory() as folder:
        kib = _write_images(Path(folder), images) / 1024
        arguments = dict(folder=folder)
        rows = []
        for what, jitter in (('two views and mask', True), ('colours as they are', False)):
            rows += hold([
                Contestant(f'PeCo, {what}', 'uint8', make_ours, images,
                           dict(arguments, jitter=jitter), True, 'peco'),
                Contestant(f'mmpretrain, {what}', 'uint8', make_mmpretrain, images,
                           dict(arguments, jitter=jitter), package='mmpretrain'),
            ], 'cpu', 1, rounds)
        seconds, _ = run_in_child(_decoding, folder, rounds, threads=1)
    ours = rows[0].median_s
    limit = dict(kib_of_a_file=kib, decoding_img_per_s=images / seconds,
                 decoding_share_of_ours=seconds / ours)
    return Report('data', 'CPU', 1, rows, limit)


def _write_images(folder: Path, count: int) -> int:
    """Write JPEG files that are smooth and noisy in parts, as photographs are; mean size."""
    rng = np.random.default_rng(0)
    width, height = _SIZE
    total = 0
    for index in range(count):
        layers = []
        for cell in (4, 16, 64):
            coarse = rng.integers(0, 256, (height // cell + 2, width // cell + 2, 3), np.uint8)
            layers.append(np.asarray(Image.fromarray(coarse).resize(
                (width, height), Image.Resampling.BICUBIC), np.float32))
        pixels = 0.25 * layers[0] + 0.35 * layers[1] + 0.4 * layers[2]
        buffer = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(buffer, 'JPEG', quality=92)
        total += len(buffer.getvalue())
        (folder / f'{index:03d}.jpg').write_bytes(buffer.getvalue())
    return total // count


def _transforms(jitter: bool = True) -> tuple[list[dict], list[dict]]:
    """Our pipeline and that of mmpretrain's config, for views of the same sizes."""
    colours = dict(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.)
    ours = [
        dict(type='peco.LoadImage', min_side=896),
        dict(type='peco.RandomCropBox'),
        dict(type='peco.CropAndResize', size=224, tokenizer_size=112),
        *([dict(type='peco.ColorJitter', **colours)] if jitter else []),
        dict(type='peco.BlockwiseMask', grid_size=14, num_masked=75, min_patches=16),
        dict(type='PackInputs'),
    ]
    theirs = [
        dict(type='LoadImageFromFile'),
        *([dict(type='ColorJitter', **colours)] if jitter else []),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='RandomResizedCropAndInterpolationWithTwoPic', size=224, second_size=112,
             interpolation='bicubic', second_interpolation='lanczos', scale=(0.08, 1.0)),
        dict(type='BEiTMaskGenerator', input_size=(14, 14), num_masking_patches=75,
             max_num_patches=None, min_num_patches=16),
        dict(type='PackInputs'),
    ]
    return ours, theirs


def _reader(folder: str, pipeline: list[dict]) -> Callable[[], None]:
    import cv2
    from mmengine.dataset import Compose
    from mmengine.registry import init_default_scope
    from mmpretrain.datasets import transforms  # noqa: F401

    import peco.datasets  # noqa: F401
    init_default_scope('mmpretrain')
    cv2.setNumThreads(0)  # as a loader process has it
    np.random.seed(0)
    run = Compose(pipeline)
    infos = [dict(img_path=str(path)) for path in sorted(Path(folder).glob('*.jpg'))]

    def read() -> None:
        for info in infos:
            run(dict(info))
    return read


def make_ours(device: str, dtype: str, folder: str, jitter: bool) -> Callable[[], None]:
    """Read every file through our pipeline."""
    return _reader(folder, _transforms(jitter)[0])


def make_mmpretrain(device: str, dtype: str, folder: str,
                    jitter: bool) -> Callable[[], None]:
    """Read every file through mmpretrain's pipeline of BEiT."""
    return _reader(folder, _transforms(jitter)[1])


def _decoding(folder: str, rounds: int) -> float:
    from peco.datasets.transforms.load_image import decode_image
    contents = [path.read_bytes() for path in sorted(Path(folder).glob('*.jpg'))]
    times = take_turns(dict(decoding=partial(_decode_all, decode_image, contents)), rounds)
    return float(np.median(times['decoding']))


def _decode_all(decode: Callable[[bytes], np.ndarray], contents: list[bytes]) -> None:
    for content in contents:
        decode(content)
