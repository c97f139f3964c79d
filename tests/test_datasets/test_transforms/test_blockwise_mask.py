import numpy as np
import pytest
from mmpretrain.datasets.transforms import BEiTMaskGenerator

from peco.datasets.transforms import BlockwiseMask
from peco.registry import TRANSFORMS


def _frequencies(transform, number=1500):
    np.random.seed(0)
    return np.stack([transform({})['mask'] for _ in range(number)]).mean(axis=0)


def _beit(results):
    """BEiT's algorithm 1 in plain words, on 14x14 patches, blocks up to the border included."""
    mask, missing = np.zeros((14, 14), np.uint8), 75
    for _ in range(2000):  # hardly ever used up
        area = 16 + np.random.random() * (missing - 16)
        aspect = np.exp(np.random.uniform(np.log(0.3), np.log(1 / 0.3)))
        h, w = round((area * aspect)**0.5), round((area / aspect)**0.5)
        if h > 14 or w > 14:
            continue
        top, left = np.random.randint(0, 14 - h + 1), np.random.randint(0, 14 - w + 1)
        block = mask[top:top + h, left:left + w]
        new = h * w - block.sum()
        if 0 < new <= missing:
            block[...] = 1
            missing -= int(new)
        if not missing:
            break
    return dict(mask=mask)


def _borders_are_fair(frequency):
    """First and last row and column masked equally often, as far as 1,500 masks can tell."""
    borders = [frequency[0].mean(), frequency[-1].mean(), frequency[:, 0].mean(),
               frequency[:, -1].mean()]
    return max(borders) - min(borders) < 0.04


def test_patches_are_masked_as_often_as_in_the_plain_algorithm():
    frequency, plain = _frequencies(BlockwiseMask((14, 14), 75, 16)), _frequencies(_beit)
    assert _borders_are_fair(frequency) and _borders_are_fair(plain)
    # A patch's share has a deviation of 0.018 between two times 1,500 masks.
    assert np.abs(frequency - plain).max() < 0.08
    for part in ((slice(5, 9), slice(5, 9)), (0, ), (slice(None), 0)):  # middle, two borders
        assert frequency[part].mean() == pytest.approx(plain[part].mean(), abs=0.02)
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


def test_what_grows_touches_what_is_masked():
    transform = BlockwiseMask((14, 14), 75, 16)
    np.random.seed(0)
    found = set()
    for _ in range(60):
        mask = np.zeros((14, 14), np.uint8)
        mask[4:7, 5:8] = 1
        before = mask.copy()
        transform._grow(mask)
        (row,), (col,) = np.nonzero(mask - before)
        assert mask.sum() == 10 and before[max(row - 1, 0):row + 2, col].sum() + before[
            row, max(col - 1, 0):col + 2].sum() > 0
        found.add((row, col))
    assert len(found) == 12  # each of its neighbours, sooner or later


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
    # Areas are drawn evenly from 16 to 40; rounding and what does not fit change little.
    assert np.quantile(area, [0.25, 0.5, 0.75]) == pytest.approx([22, 28, 34], abs=2)
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
