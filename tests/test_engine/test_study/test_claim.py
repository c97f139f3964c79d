"""The study of the claim in its tiny form: every arm, one seed, a few steps, all measures."""

import numpy as np
import pytest
from PIL import Image

from peco.engine.study.pace import step_seconds
from tests.toy_configs import ROOT
from tests.toy_study import run_smoke


@pytest.fixture
def class_folders(tmp_path):
    """Ten classes of noise around ten colours."""
    rng = np.random.default_rng(0)
    for split, count in (('train', 30), ('test', 3)):
        for label in range(10):
            folder = tmp_path / split / f'class{label}'
            folder.mkdir(parents=True)
            for index in range(count):
                noise = rng.integers(0, 128, (32, 32, 3)) + 12 * label
                Image.fromarray(noise.astype(np.uint8)).save(folder / f'{index}.png')
    return tmp_path


@pytest.mark.whole
@pytest.mark.parametrize('amp', [False, True])
def test_a_machine_is_measured_in_a_process_of_its_own(amp):
    assert 0 < step_seconds(amp) < 60


@pytest.mark.whole
@pytest.mark.timeout(1500)
def test_every_arm_runs_and_every_measure_is_there(class_folders, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv('PECO_CIFAR10_DIR', str(class_folders))
    study, results = run_smoke('configs/claim/extended.py', class_folders / 'study')
    assert study.arms == ['scratch', 'pixel', 'pixel-x50', 'peco', 'lpips-like', 'vq-kd', 'mae',
                          'simclr']
    for found in results['measures']:
        others = set(found['values']) - {'pixel'}
        with_pixel = {'pixel': others, 'pixel-x50': others - {'pixel-x50'}}
        assert {reference: set(minus) for reference, minus in found['differences'].items()} == (
            with_pixel if 'pixel' in found['values'] else {})
    for name in ('extended.png', 'extended-curves.png'):
        assert min(Image.open(study.work_dir / name).size) > 200
