import numpy as np
import pytest
import torch

from peco.visualization import token_map


def test_one_colour_an_id_in_every_picture():
    first = token_map(torch.tensor([[5, 8191], [5, 0]]))
    second = token_map(torch.tensor([[[0, 5]]]))
    assert first.shape == (2, 2, 3) and second.shape == (1, 1, 2, 3)
    assert np.array_equal(first[0, 0], first[1, 0])
    assert np.array_equal(first[0, 0], second[0, 0, 1])
    assert np.array_equal(first[1, 1], second[0, 0, 0])
    assert not np.array_equal(first[0, 0], first[0, 1])


def test_neighbouring_ids_look_different():
    colors = token_map(np.arange(512)[None])[0].astype(int)
    assert np.abs(np.diff(colors, axis=0)).sum(1).min() > 40
    assert len(np.unique(colors, axis=0)) > 500


def test_ids_that_are_none():
    with pytest.raises(ValueError, match='float'):
        token_map(torch.zeros(2, 2))
    with pytest.raises(ValueError, match='minimum -1'):
        token_map(torch.tensor([[-1]]))
