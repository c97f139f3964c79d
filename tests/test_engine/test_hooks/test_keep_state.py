import random

import numpy as np
import torch
from torch import nn

from peco.engine.hooks.keep_state import keep_state


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_modes_and_random_states_come_back():
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2)).train()
    model[1].eval()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = draw()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    with keep_state(model, seed=5):
        assert not model[0].training and not torch.is_grad_enabled()
        inside = draw()
    assert draw() == expected
    assert [model.training, model[0].training, model[1].training] == [True, True, False]
    with keep_state(model, seed=5):
        assert draw() == inside


def test_also_after_an_error():
    model = nn.Dropout().train()
    try:
        with keep_state(model):
            raise ValueError
    except ValueError:
        pass
    assert model.training
