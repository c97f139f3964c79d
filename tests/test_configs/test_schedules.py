"""Cosines of the full-size recipes end at a share of each rate, not at one rate for all."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from peco.utils import load_config

PATHS = sorted((Path(__file__).parents[2] / 'configs/peco').glob('*e_in1k.py')) + sorted(
    (Path(__file__).parents[2] / 'configs/peco').glob('pretrain_*.py'))

STEPS = 4  # an epoch


def _check(path, epochs, shares):
    cfg = load_config(str(path))
    cfg.param_scheduler[-1].end = epochs
    rate = cfg.optim_wrapper.optimizer.lr
    groups = [dict(params=[nn.Parameter(torch.zeros(1))], lr=rate * share) for share in shares]
    optimizer = torch.optim.AdamW(groups)
    schedulers = []
    for scheduler in cfg.param_scheduler:
        kwargs = dict(scheduler, optimizer=optimizer, epoch_length=STEPS)
        assert kwargs.pop('convert_to_iter_based')
        kwargs.pop('_scope_', None)  # of mmpretrain's own recipe
        make = PARAM_SCHEDULERS.get(kwargs.pop('type'))
        schedulers.append(make.build_iter_from_epoch(**kwargs))
    peak = last = 0.
    for _ in range(epochs * STEPS):
        rates = [group['lr'] for group in optimizer.param_groups]
        for share, found in zip(shares, rates, strict=True):
            assert found == pytest.approx(share * rates[0], rel=1e-5)
        peak, last = max(peak, rates[0]), rates[0]
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert peak == pytest.approx(rate, rel=1e-5) and last < 0.1 * peak


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_layer_decay_and_batch_scaling_hold_to_the_end(path):
    # The head, the lowest of 26 depths, an eighth of the batch.
    _check(path, load_config(str(path)).train_cfg.max_epochs, (1., 0.75**25, 0.125))


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_another_length_ends_as_low(path):
    _check(path, 70, (1., ))
