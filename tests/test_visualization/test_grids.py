import numpy as np
import pytest
import torch

from peco.visualization import (
    classification_grid,
    mask_images,
    masked_prediction_grid,
    reconstruction_grid,
)
from peco.visualization.token_map import token_colors

BLACK, WHITE = torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8)


def count(picture, color):
    return int((picture == color).all(-1).sum())


def test_reconstruction_grid_shows_all_rows():
    ids = torch.zeros(2, 4, 4, dtype=torch.long)
    without = reconstruction_grid(BLACK, BLACK)
    with_ids = reconstruction_grid(BLACK, BLACK, ids)
    # Two rows of two black pictures of 144x144 pixels.
    assert count(without, 0) == 4 * 144**2
    assert with_ids.shape[0] > without.shape[0] + 144


def test_reconstructions_must_belong_to_the_originals():
    with pytest.raises(ValueError, match='differ in shape'):
        reconstruction_grid(BLACK, BLACK[:1])
    with pytest.raises(ValueError, match='ids of 1 images'):
        reconstruction_grid(BLACK, BLACK, torch.zeros(1, 2, 2, dtype=torch.long))


def test_masked_patches_are_gray_and_others_untouched():
    masks = torch.zeros(2, 4, 4)
    masks[0, 1, 3] = 1
    painted = mask_images(BLACK, masks)
    assert painted[0, :, 2:4, 6:8].eq(0.6).all()
    assert painted.sum() == pytest.approx(3 * 4 * 0.6)
    with pytest.raises(ValueError, match='do not belong'):
        mask_images(BLACK, masks[:1])


def test_masked_prediction_grid():
    masks = torch.ones(2, 4, 4)
    picture = masked_prediction_grid(BLACK, masks, WHITE, accuracy=[0., 50.])
    assert count(picture, 0) == 2 * 144**2
    assert count(picture, 153) == 2 * 144**2
    more = masked_prediction_grid(BLACK, masks, WHITE, BLACK)
    assert count(more, 0) == 4 * 144**2


def test_tokens_that_give_no_images_are_drawn_as_maps():
    ids = torch.tensor([[[0, 1], [1, 1]]] * 2)
    colors = token_colors(np.array([0, 1]))
    picture = reconstruction_grid(BLACK, None, ids)
    assert count(picture, 0) == 2 * 144**2
    assert [count(picture, color) for color in colors] == [2 * 72**2, 6 * 72**2]
    picture = masked_prediction_grid(BLACK, torch.ones(2, 2, 2), ids, 1 - ids)
    # A quarter of the predicted tokens is 0, three quarters of the true ones.
    assert [count(picture, color) for color in colors] == [8 * 72**2] * 2


def test_classification_grid_tells_right_from_wrong():
    right = classification_grid(WHITE, [0, 1], [0, 1], ['cat', 'dog'])
    wrong = classification_grid(WHITE, [0, 1], [1, 0], ['cat', 'dog'])
    assert count(right, (20, 120, 40)) and not count(right, (190, 30, 30))
    assert count(wrong, (190, 30, 30)) and not count(wrong, (20, 120, 40))
    assert np.array_equal(classification_grid(WHITE, [3, 4]), classification_grid(WHITE, [3, 4]))


def test_classification_grid_breaks_into_rows():
    one, two = (classification_grid(BLACK[:1].expand(n, 3, 8, 8), [0] * n, columns=2)
                for n in (2, 3))
    assert two.shape[0] > 1.8 * one.shape[0] and two.shape[1] == one.shape[1]
    assert count(two, 0) == 3 * 144**2
