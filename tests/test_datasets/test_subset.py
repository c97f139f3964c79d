import numpy as np
import pytest

from peco.datasets.subset import holdout_positions, per_class_positions

NAMES = [f'{c}/{i:03d}.png' for c in 'abc' for i in range(20 + 10 * 'abc'.index(c))]
LABELS = ['abc'.index(name[0]) for name in NAMES]


def _names(positions, names=NAMES):
    return {names[i] for i in positions}


def test_holdout_parts_are_disjoint_complete_and_by_class():
    train = holdout_positions(NAMES, LABELS, 0.1, 'train')
    val = holdout_positions(NAMES, LABELS, 0.1, 'val')
    assert sorted(train + val) == list(range(len(NAMES)))
    assert [sum(LABELS[i] == c for i in val) for c in range(3)] == [2, 3, 4]
    assert train == sorted(train)


@pytest.mark.parametrize('choose', [
    lambda names, labels, seed: holdout_positions(names, labels, 0.2, 'val', seed),
    lambda names, labels, seed: per_class_positions(names, labels, 5, seed),
])
def test_choices_depend_on_the_seed_and_not_on_the_order_of_the_list(choose):
    chosen = _names(choose(NAMES, LABELS, 0))
    order = np.random.default_rng(1).permutation(len(NAMES))
    names, labels = [NAMES[i] for i in order], [LABELS[i] for i in order]
    assert _names(choose(names, labels, 0), names) == chosen
    assert _names(choose(NAMES, LABELS, 1)) != chosen


def test_smaller_subsets_lie_inside_larger_ones():
    small = _names(per_class_positions(NAMES, LABELS, 3))
    large = _names(per_class_positions(NAMES, LABELS, 10))
    assert len(small) == 9 and len(large) == 30 and small < large


def test_a_class_of_two_gives_one_image_to_each_part():
    val = holdout_positions(['x', 'y', 'z'], [0, 0, 1], 0.1, 'val')
    assert len(val) == 1 and val[0] in (0, 1)  # a class of one stays in training


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="'train' or 'val', got 'test'"):
        holdout_positions(NAMES, LABELS, 0.1, 'test')
    with pytest.raises(ValueError, match='fraction'):
        holdout_positions(NAMES, LABELS, 1.0, 'val')
    with pytest.raises(ValueError, match='class 0 has only 20 images'):
        per_class_positions(NAMES, LABELS, 21)
    with pytest.raises(ValueError, match='positive'):
        per_class_positions(NAMES, LABELS, 0)


def test_a_small_class_may_give_all_it_has():
    names, labels = [f'{i}.png' for i in range(5)], [0, 0, 0, 0, 1]
    kept = per_class_positions(names, labels, 2, allow_fewer=True)
    assert len(kept) == 3 and 4 in kept
    with pytest.raises(ValueError, match='class 1 has only 1'):
        per_class_positions(names, labels, 2)


def test_classes_are_shuffled_apart():
    """Numbered files, as many in each class: not the same numbers from all."""
    names = [f'{c}/{i:03d}.png' for c in 'abc' for i in range(40)]
    chosen = per_class_positions(names, ['abc'.index(name[0]) for name in names], 10)
    numbers = [{names[i][2:] for i in chosen if names[i][0] == c} for c in 'abc']
    assert numbers[0] != numbers[1] != numbers[2] != numbers[0]
