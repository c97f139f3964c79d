import numpy as np
import pytest
from mmpretrain.datasets.transforms import BEiTMaskGenerator

from peco.datasets.transforms import BlockwiseMask
from peco.registry import TRANSFORMS


def _frequencies(transform, number=1500):
    np.random.seed(0)
    return np.stack([transform({})['mask'] for _ in range(number)]).mean(axis=0)


def _borders_are_fair(frequency):
    """First and last row and column masked equally often, as far as 1,500 masks can tell."""
    borders = [frequency[0].mean(), frequency[-1].mean(), frequency[:, 0].mean(),
               frequency[:, -1].mean()]
    return max(borders) - min(borders) < 0.04 and all(0.115 < b < 0.16 for b in borders)


def test_borders_are_masked_as_often_as_they_should_be():
    frequency = _frequencies(BlockwiseMask((14, 14), 75, 16))
    assert _borders_are_fair(frequency)
    # The middle of the grid is reached by more blocks.
    assert frequency[5:9, 5:9].mean() == pytest.approx(0.69, abs=0.035)
    assert frequency.mean() == pytest.approx(75 / 196)


def test_the_same_check_fails_for_the_generator_of_mmpretrain():
    frequency = _frequencies(BEiTMaskGenerator(14, 75, min_num_patches=16))
    assert not _borders_are_fair(frequency)
    assert frequency[-1].max() == 0 and frequency[:, -1].max() == 0


@pytest.mark.parametrize('grid, masked, smallest', [
    ((14, 14), 75, 16), ((8, 8), 26, 4), (8, 64, 4), ((8, 8), 1, 1), ((4, 16), 20, 2),
    ((24, 24), 230, 16), ((1, 1), 1, 1), ((1, 8), 3, 1),
])
def test_the_count_is_exact(grid, masked, smallest):
    transform = BlockwiseMask(grid, masked, smallest)
    for seed in range(50):
        np.random.seed(seed)
        mask = transform(dict(img=0))['mask']
        assert mask.shape == transform.grid_size and mask.dtype == np.uint8
        assert mask.sum() == masked and mask.max() == 1


def test_the_last_patches_are_found_where_no_block_fits():
    # Blocks of 9 alone can never leave exactly one patch of 3x4 to fill.
    transform = BlockwiseMask((3, 4), 11, 9, max_patches=9, aspect_ratio=(1., 1.))
    for seed in range(20):
        np.random.seed(seed)
        assert transform({})['mask'].sum() == 11


def test_blocks_have_the_sizes_and_shapes_asked_for(monkeypatch):
    transform = BlockwiseMask((14, 14), 75, 16, max_patches=40)
    budgets, add_block = [], transform._add_block
    transform._add_block = lambda mask, budget: (budgets.append(budget), add_block(mask, budget))[1]
    transform(dict())
    assert budgets[0] == max(budgets) == 40
    del transform._add_block
    shapes = []
    np.random.seed(0)
    for _ in range(2000):
        mask = np.zeros((14, 14), np.uint8)
        transform._add_block(mask, 40)
        rows, cols = mask.any(axis=1).sum(), mask.any(axis=0).sum()
        assert mask.sum() == rows * cols  # one rectangle
        shapes.append((rows, cols))
    area = np.array([h * w for h, w in shapes])
    # Rounding both sides moves the area a little beyond the bounds.
    assert 12 <= area.min() and area.max() <= 40
    log_aspect = np.log([h / w for h, w in shapes])
    assert abs(log_aspect.mean()) < 0.05  # tall as often as wide
    assert np.exp(log_aspect.max()) > 2.5


def test_draws_follow_the_global_seed():
    transform = BlockwiseMask()
    masks = []
    for seed in (3, 3, 4):
        np.random.seed(seed)
        masks.append(transform({})['mask'])
    assert (masks[0] == masks[1]).all() and (masks[0] != masks[2]).any()


@pytest.mark.parametrize('kwargs, message', [
    (dict(num_masked=197), 'between 1 and the 196 patches'),
    (dict(num_masked=0), 'num_masked'),
    (dict(num_masked=10, min_patches=16), 'min_patches must be between 1 and num_masked=10'),
    (dict(max_patches=8), 'max_patches=8 is below'),
    (dict(aspect_ratio=(2., 1.)), 'aspect_ratio'),
    (dict(aspect_ratio=(0., None)), 'aspect_ratio'),
    (dict(grid_size=(1, 64), num_masked=20), 'no block of min_patches=16'),
    (dict(grid_size=(0, 4)), 'grid_size must be positive'),
])
def test_impossible_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BlockwiseMask(**kwargs)


def test_it_is_registered_and_prints_its_arguments():
    transform = TRANSFORMS.build(dict(type='peco.BlockwiseMask', grid_size=8, num_masked=26,
                                      min_patches=4))
    assert 'num_masked=26' in repr(transform)
