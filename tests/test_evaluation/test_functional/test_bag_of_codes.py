import numpy as np
import pytest

from peco.evaluation.functional import bag_of_codes


def test_counts_by_hand():
    ids = np.array([[0, 0, 3, 1], [2, 2, 2, 2]], dtype=np.int32)
    histogram = bag_of_codes(ids, 5)
    assert histogram.shape == (2, 5) and histogram.dtype == np.float32
    assert histogram.toarray().tolist() == [[0.5, 0.25, 0, 0.25, 0], [0, 0, 1, 0, 0]]


def test_it_equals_bincount():
    ids = np.random.default_rng(0).integers(0, 32, (10, 64))
    expected = np.stack([np.bincount(row, minlength=32) / 64 for row in ids])
    np.testing.assert_allclose(bag_of_codes(ids, 32).toarray(), expected, rtol=1e-6)


@pytest.mark.parametrize('bad', [-1, 8])
def test_ids_outside_the_codebook_are_refused(bad):
    with pytest.raises(ValueError, match='do not fit a codebook of 8'):
        bag_of_codes(np.array([[0, bad]]), 8)


def test_the_ids_stay_as_they_are():
    ids = np.array([[3, 1, 3, 0]], dtype=np.int32)
    bag_of_codes(ids, 4)
    assert ids.tolist() == [[3, 1, 3, 0]]
