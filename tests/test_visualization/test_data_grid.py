import numpy as np
import pytest
import torch

from peco.visualization import data_grid

# Colours that no text has.
BLUE, GREEN = (np.full((8, 8, 3), colour, np.uint8) for colour in ((10, 20, 250), (10, 250, 20)))


def count(picture, color):
    return int((picture == color).all(-1).sum())


def test_rows_of_files_views_and_masks():
    views = [[BLUE, GREEN]] * 2
    plain = data_grid(views, ['a', 'b'])
    assert count(plain, BLUE[0, 0]) == count(plain, GREEN[0, 0]) == 2 * 144**2
    masks = torch.zeros(2, 4, 4)
    masks[:, 0] = 1
    file = np.full((8, 8, 3), (90, 250, 250), np.uint8)
    whole = data_grid(views, ['a', 'b'], files=[file] * 2, boxes=[(2, 3, 4, 5, False)] * 2,
                      masks=masks, captions=['cat', 'dog'])
    # A quarter of each masked view; 14 of the 64 pixels of each file are the border of its crop.
    assert count(whole, BLUE[0, 0]) == 2 * 144**2 * 7 // 4
    assert count(whole, 153) - count(plain, 153) == pytest.approx(2 * 144**2 // 4, rel=0.01)
    assert count(whole, (220, 40, 40)) == 2 * 18**2 * 14
    assert count(whole, file[0, 0]) == 2 * 18**2 * 50
