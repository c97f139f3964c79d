import random

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import Dataset

from peco.engine.cli import complete_dataloaders
from peco.registry import DATASETS


@DATASETS.register_module(force=True)
class Draws(Dataset):
    """What each library draws for an image."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return random.random(), np.random.rand(), torch.rand(1).item()


def epochs(persistent, seed=0):
    cfg = Config(dict(train_dataloader=dict(
        dataset=dict(type='peco.Draws'), batch_size=1, num_workers=1,
        sampler=dict(type='DefaultSampler', shuffle=False))))
    complete_dataloaders(cfg, persistent_workers=persistent)
    torch.manual_seed(seed)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=seed)
    return [[tuple(torch.stack(batch).flatten().tolist()) for batch in loader] for _ in range(2)]


@pytest.mark.parametrize('persistent', [False, True])
def test_an_epoch_does_not_repeat_the_draws_of_the_last(persistent):
    found = epochs(persistent)
    draws = [draw for epoch in found for image in epoch for draw in image]
    assert len(set(draws)) == len(draws) == 12
    assert epochs(persistent) == found  # but a run repeats
    assert epochs(persistent, seed=1) != found
