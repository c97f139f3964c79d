"""Means over seeds: scipy's interval, pairs by seed."""

import pytest
from scipy import stats

from peco.utils.seed_statistics import Estimate, estimate, paired_difference


def test_the_interval_is_that_of_students_t():
    values = [30.1, 32.4, 31.0, 29.7]
    found = estimate(values)
    low, high = stats.t.interval(0.95, 3, loc=sum(values) / 4, scale=stats.sem(values))
    assert found.seeds == 4
    assert found.mean - found.half_width == pytest.approx(low)
    assert found.mean + found.half_width == pytest.approx(high)


def test_one_seed_has_no_interval_and_proves_nothing():
    found = estimate([5.])
    assert found == Estimate(5., None, 1) and not found.excludes_zero
    assert found.text() == '5.0'
    with pytest.raises(ValueError, match='at least'):
        estimate([])


def test_pairs_take_the_noise_of_seeds_out():
    values, reference = {0: 10.0, 1: 20.1, 2: 30.2, 7: 99.}, {0: 9., 1: 19., 2: 29., 5: 0.}
    found = paired_difference(values, reference)
    assert found.seeds == 3 and found.mean == pytest.approx(1.1)
    assert found.half_width < 0.3 and found.excludes_zero
    assert found.difference('.2f') == found.text('+.2f') + ' *'
    assert found.text('+.2f') == '+1.10 ± 0.25'
    assert paired_difference({0: 1.}, {1: 1.}) is None


def test_two_seeds_that_agree_prove_nothing():
    found = paired_difference({0: .377, 1: .374}, {0: .374, 1: .371})  # mmdet rounds AP
    assert found.half_width == pytest.approx(0) and not found.excludes_zero
    assert '*' not in found.difference()


def test_an_interval_across_zero():
    assert not estimate([-1., 1.]).excludes_zero
    assert estimate([-1., 1.]).difference() == '+0.0 ± 12.7'
