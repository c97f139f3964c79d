"""Several tasks at a time."""

import os
import time

import pytest
import torch

from peco.engine.study import study
from peco.engine.study.side_by_side import run_side_by_side


def test_those_that_run_have_places_of_their_own(tmp_path):
    def task(name, code, until=None):
        def run(place):
            (tmp_path / name).write_text(str(place))
            while until is not None and not (tmp_path / until).exists():
                time.sleep(0.05)
            return code
        return run

    # The first goes on until the last has begun, in the place of the second.
    tasks = dict(long=task('long', 0, until='last'), short=task('short', 3), last=task('last', 0))
    assert run_side_by_side(tasks, jobs=2) == dict(long=0, short=3, last=0)
    assert [(tmp_path / name).read_text() for name in tasks] == ['0', '1', '1']
    with pytest.raises(ValueError, match='jobs must be at least 1, got 0'):
        run_side_by_side(tasks, jobs=0)


@pytest.mark.parametrize('visible, gpus, expected', [
    (None, 0, None), (None, 1, None), (None, 2, ['0', '1', '0']), ('', 2, ['0', '1', '0']),
    ('5,7', 2, ['5', '7', '5']), ('5', 1, ['5', '5', '5'])])
def test_chains_share_the_gpus(monkeypatch, visible, gpus, expected):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    seen = []
    for place in range(3):
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
        if visible is not None:
            monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
        study._take_gpu(place)
        seen.append(os.environ.get('CUDA_VISIBLE_DEVICES'))
    assert seen == (expected or [None] * 3)
