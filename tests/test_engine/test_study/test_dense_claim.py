"""The study of dense tasks in its tiny form: every arm, one seed, a few steps, all measures."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.toy_configs import ROOT
from tests.toy_study import run_smoke

IMAGES = dict(train=66, val=5, test=5)  # a batch of f and a few more


def _noise(rng, height, width):
    return rng.integers(0, 60, (height, width, 3), np.uint8)


def _write_nuclei(root, rng):
    """Bright squares on dark noise, with their polygons."""
    (root / 'annotations').mkdir(parents=True)
    for split in ('train', 'val'):
        (root / split).mkdir()
        images, annotations = [], []
        for index in range(IMAGES[split]):
            picture = _noise(rng, 256, 256)
            images.append(dict(id=index, file_name=f'{index}.png', height=256, width=256))
            for place in (20, 110, 190):
                x, y = (int(place + offset) for offset in rng.integers(-8, 8, 2))
                picture[y:y + 30, x:x + 30] += 150
                annotations.append(dict(
                    id=len(annotations) + 1, image_id=index, category_id=1, iscrowd=0, area=900,
                    bbox=[x, y, 30, 30],
                    segmentation=[[x, y, x + 30, y, x + 30, y + 30, x, y + 30]]))
            Image.fromarray(picture).save(root / split / f'{index}.png')
        (root / f'annotations/instances_{split}.json').write_text(json.dumps(dict(
            images=images, annotations=annotations, categories=[dict(id=1, name='nucleus')])))


def _write_camvid(root, rng):
    """Eleven vertical stripes, one a class."""
    classes = np.broadcast_to(np.arange(480) * 11 // 480, (360, 480)).astype(np.uint8)
    for split, count in IMAGES.items():
        for part in ('images', 'annotations'):
            (root / part / split).mkdir(parents=True)
        for index in range(count):
            picture = _noise(rng, 360, 480) + 15 * classes[..., None]
            Image.fromarray(picture).save(root / f'images/{split}/{index}.jpg')
            Image.fromarray(classes).save(root / f'annotations/{split}/{index}.png')


@pytest.mark.whole
@pytest.mark.timeout(1500)
def test_every_dense_arm_runs_and_every_measure_is_there(tmp_path, monkeypatch):
    pytest.importorskip('mmdet')
    pytest.importorskip('mmseg')
    rng = np.random.default_rng(0)
    for name, write in (('nuclei', _write_nuclei), ('camvid', _write_camvid)):
        write(tmp_path / name, rng)
        monkeypatch.setenv(f'PECO_{name.upper()}_DIR', str(tmp_path / name))
    monkeypatch.chdir(ROOT)
    study, results = run_smoke('configs/claim/dense.py', tmp_path / 'study')
    assert study.arms == ['scratch', 'pixel', 'pixel-x8', 'peco']
    labels = {measure['label'] for measure in results['measures']}
    assert {'nuclei: box AP (%)', 'nuclei: mask AP (%)', 'CamVid: mIoU (%)'} < labels
    assert min(Image.open(study.work_dir / 'results.png').size) > 200
