"""Write the demo data as class folders."""

import json
import os
import os.path as osp
import shutil
import tempfile

import cv2
import numpy as np
from rich.progress import track

from .scene import compose_scene

MARKER = 'demo_data.json'
_VERSION = 3
_TEST_SHARE = 0.25


def make_demo_data(out_dir: str,
                   image_size: int = 32,
                   num_train: int = 4000,
                   num_test: int = 1000,
                   seed: int = 0,
                   progress: bool = True) -> str:
    """Write ``train/<digit>/*.png`` and ``test/<digit>/*.png``.

    The digits are the 1,797 handwritten ones that ship inside scikit-learn; the test images show
    other digits than the training images. The folder appears only when it is complete, and is left
    alone when it is there already with the same arguments. Same arguments, same bytes.

    Args:
        out_dir: Folder to make.
        image_size: Height and width of the images, at least 16.
        num_train: Number of training images, spread evenly over the ten digits.
        num_test: Number of test images.
        seed: Seed of everything random.
        progress: Whether to show a progress bar.

    Returns:
        ``out_dir``.

    Raises:
        ValueError: If an argument is impossible, or the folder holds demo data of other
            arguments.
        FileExistsError: If the folder holds anything else.
    """
    if image_size < 16:
        raise ValueError(f'image_size must be at least 16, got {image_size}')
    if min(num_train, num_test) < 10:
        raise ValueError('num_train and num_test must be at least 10, one of each digit, got '
                         f'{num_train} and {num_test}')
    settings = dict(version=_VERSION, image_size=image_size, num_train=num_train,
                    num_test=num_test, seed=seed)
    out_dir = osp.abspath(out_dir)
    if _is_done(out_dir, settings):
        return out_dir
    parent = osp.dirname(out_dir)
    os.makedirs(parent, exist_ok=True)
    partial = tempfile.mkdtemp(prefix=f'.{osp.basename(out_dir)}-partial-', dir=parent)
    try:
        _write(partial, settings, progress)
        os.chmod(partial, 0o755)
        try:
            os.rename(partial, out_dir)
        except OSError:
            # Another process may have finished the same folder in the meantime.
            if not _is_done(out_dir, settings):
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out_dir


def _is_done(out_dir: str, settings: dict) -> bool:
    if not osp.isdir(out_dir) or not os.listdir(out_dir):
        return False
    marker = osp.join(out_dir, MARKER)
    if not osp.isfile(marker):
        raise FileExistsError(f'{out_dir} exists and is not demo data: name another folder')
    with open(marker) as file:
        found = json.load(file)
    if found != settings:
        raise ValueError(f'{out_dir} holds demo data made with {found}, not {settings}: remove it '
                         'or name another folder')
    return True


def _write(folder: str, settings: dict, progress: bool) -> None:
    size, seed = settings['image_size'], settings['seed']
    glyphs = _source_digits(seed)
    for split_index, split in enumerate(('train', 'test')):
        for digit in range(10):
            os.makedirs(osp.join(folder, split, str(digit)))
        numbers = range(settings[f'num_{split}'])
        for number in track(numbers, f'demo images, {split}', disable=not progress):
            # One generator an image: an image does not depend on how many there are.
            rng = np.random.default_rng([seed, split_index, number])
            digit = number % 10
            glyph = glyphs[split][digit][int(rng.integers(len(glyphs[split][digit])))]
            scene = compose_scene(rng, [glyph], [digit], size, size)
            path = osp.join(folder, split, str(digit), f'{number:05d}.png')
            if not cv2.imwrite(path, scene.image[..., ::-1]):
                raise OSError(f'cannot write {path}')
    with open(osp.join(folder, MARKER), 'w') as file:
        json.dump(settings, file)


def _source_digits(seed: int) -> dict[str, list[np.ndarray]]:
    """scikit-learn's digits, parted by split and class: ``(N, 8, 8)`` in [0, 1] for each."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = (data.images / 16).astype(np.float32)
    splits: dict[str, list[np.ndarray]] = dict(train=[], test=[])
    for digit in range(10):
        members = np.random.default_rng([seed, digit]).permutation(
            np.flatnonzero(data.target == digit))
        count = round(len(members) * _TEST_SHARE)
        splits['test'].append(images[members[:count]])
        splits['train'].append(images[members[count:]])
    return splits
