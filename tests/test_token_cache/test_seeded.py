import random

import numpy as np
import pytest
import torch

from peco.token_cache import seeded


def _draws(*key):
    with seeded(*key):
        return np.random.random(3).tolist(), random.random(), torch.rand(2).tolist()


@pytest.mark.parametrize('of', ['numpy', 'python', 'torch'])
def test_the_key_determines_the_draws(of):
    place = ('numpy', 'python', 'torch').index(of)

    def draws(*key):
        # From another state outside each time.
        np.random.random(), random.random(), torch.rand(1)
        return str(_draws(*key)[place])

    assert draws(0, 5, 1) == draws(0, 5, 1)
    assert len({draws(*key) for key in ((0, 5, 1), (0, 5, 2), (0, 1, 5), (1, 5, 1))}) == 4


def test_the_draws_outside_are_not_touched():
    np.random.seed(3)
    random.seed(3)
    torch.manual_seed(3)
    expected = (np.random.random(4).tolist(), [random.random() for _ in range(4)],
                [torch.rand(1).item() for _ in range(4)])
    np.random.seed(3)
    random.seed(3)
    torch.manual_seed(3)
    numpy_draws, python_draws, torch_draws = [], [], []
    for view in range(4):
        numpy_draws.append(np.random.random())
        python_draws.append(random.random())
        torch_draws.append(torch.rand(1).item())
        _draws(0, 0, view)
    assert (numpy_draws, python_draws, torch_draws) == expected
