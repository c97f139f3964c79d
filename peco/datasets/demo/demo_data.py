"""Write the demo data: class folders, and scenes with instances and classes of pixels."""

import json
import os
import os.path as osp
import shutil
import tempfile

import cv2
import numpy as np
from rich.progress import track

from .annotations import ade_mask, coco_annotations, coco_file
from .scene import DemoScene, compose_scene

MARKER = 'demo_data.json'
_VERSION = 4
_MOST_DIGITS = 3
_TEST_SHARE = 0.25


def make_demo_data(out_dir: str,
                   image_size: int = 32,
                   num_train: int = 4000,
                   num_test: int = 1000,
                   num_train_scenes: int = 400,
                   num_test_scenes: int = 100,
                   seed: int = 0,
                   progress: bool = True) -> str:
    """Write ``train/<digit>/*.png``, ``test/<digit>/*.png`` and scenes of one to three digits.

    A scene is twice as high and wide as the other images, and its digits are as large as theirs.
    ``scenes/train`` holds the images, ``scenes/annotations/instances_train.json`` COCO's instances,
    ``scenes/masks/train`` ADE20K's masks; so for ``test``.

    The digits are the 1,797 handwritten ones that ship inside scikit-learn; the test images show
    other digits than the training images. The folder appears only when it is complete, and is left
    alone when it is there already with the same arguments. Same arguments, same bytes.

    Args:
        out_dir: Folder to make.
        image_size: Height and width of the images, at least 16.
        num_train: Number of training images, spread evenly over the ten digits.
        num_test: Number of test images.
        num_train_scenes: Number of training scenes.
        num_test_scenes: Number of test scenes.
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
    if min(num_train_scenes, num_test_scenes) < 0:
        raise ValueError('num_train_scenes and num_test_scenes must not be negative, got '
                         f'{num_train_scenes} and {num_test_scenes}')
    settings = dict(version=_VERSION, image_size=image_size, num_train=num_train,
                    num_test=num_test, num_train_scenes=num_train_scenes,
                    num_test_scenes=num_test_scenes, seed=seed)
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
    glyphs = _source_digits(settings['seed'])
    for split in ('train', 'test'):
        _write_digits(folder, split, glyphs[split], settings, progress)
        if settings[f'num_{split}_scenes']:
            _write_scenes(osp.join(folder, 'scenes'), split, glyphs[split], settings, progress)
    with open(osp.join(folder, MARKER), 'w') as file:
        json.dump(settings, file)


def _write_digits(folder: str, split: str, glyphs: list[np.ndarray], settings: dict,
                  progress: bool) -> None:
    size = settings['image_size']
    for digit in range(10):
        os.makedirs(osp.join(folder, split, str(digit)))
    numbers = range(settings[f'num_{split}'])
    for number in track(numbers, f'demo images, {split}', disable=not progress):
        rng = _generator(settings['seed'], split, number)
        digit = number % 10
        glyph = glyphs[digit][int(rng.integers(len(glyphs[digit])))]
        scene = compose_scene(rng, [glyph], [digit], size, size)
        _save(osp.join(folder, split, str(digit), f'{number:05d}.png'), scene.image[..., ::-1])


def _write_scenes(folder: str, split: str, glyphs: list[np.ndarray], settings: dict,
                  progress: bool) -> None:
    size = 2 * settings['image_size']
    for name in (split, f'masks/{split}', 'annotations'):
        os.makedirs(osp.join(folder, name), exist_ok=True)
    images, annotations = [], []
    numbers = range(settings[f'num_{split}_scenes'])
    for number in track(numbers, f'demo scenes, {split}', disable=not progress):
        scene = _scene(_generator(settings['seed'], split, number, 1), glyphs, size)
        name = f'{number:05d}.png'
        _save(osp.join(folder, split, name), scene.image[..., ::-1])
        _save(osp.join(folder, 'masks', split, name), ade_mask(scene))
        images.append(dict(id=number, file_name=name, height=size, width=size))
        annotations += coco_annotations(scene, number, first_id=len(annotations) + 1)
    with open(osp.join(folder, 'annotations', f'instances_{split}.json'), 'w') as file:
        json.dump(coco_file(images, annotations), file)


def _scene(rng: np.random.Generator, glyphs: list[np.ndarray], size: int) -> DemoScene:
    digits = rng.integers(10, size=rng.integers(1, _MOST_DIGITS + 1)).tolist()
    chosen = [glyphs[digit][int(rng.integers(len(glyphs[digit])))] for digit in digits]
    return compose_scene(rng, chosen, digits, size, size, digit_size=(0.4, 0.5), apart=True)


def _generator(seed: int, split: str, *numbers: int) -> np.random.Generator:
    # One generator an image: an image does not depend on how many there are.
    return np.random.default_rng([seed, ('train', 'test').index(split), *numbers])


def _save(path: str, image: np.ndarray) -> None:
    if not cv2.imwrite(path, image):
        raise OSError(f'cannot write {path}')


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
