from types import SimpleNamespace

import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader

from peco.engine.hooks.epoch_end import finished_epoch, steps_of_epoch


@pytest.mark.parametrize('batches, max_iters, expected', [
    (3, 6, [None, None, 1, None, None, 2]),
    (4, 6, [None, None, None, 1, None, 2]),
    (9, 2, [None, 1]),
])
def test_epochs_of_an_iteration_based_loop(batches, max_iters, expected):
    loader = DataLoader(range(batches))
    found = [finished_epoch(SimpleNamespace(train_dataloader=loader, iter=i, world_size=1,
                                            max_iters=max_iters)) for i in range(max_iters)]
    assert found == expected


@pytest.mark.parametrize('sampler, steps', [(InfiniteSampler, 3), (DefaultSampler, 12)])
def test_ranks_share_an_epoch(sampler, steps):
    data = list(range(24))
    # On four ranks DefaultSampler counts a rank's share, here that of one.
    loader = DataLoader(data, batch_size=2, sampler=sampler(data))
    runner = SimpleNamespace(train_dataloader=loader, world_size=4)
    assert len(loader) == 12 and steps_of_epoch(runner) == steps
