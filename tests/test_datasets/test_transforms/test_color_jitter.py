import warnings

import numpy as np

from peco.datasets.transforms import ColorJitter


def test_all_views_get_the_same_jitter():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    jitter = ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4)
    np.random.seed(0)
    for _ in range(10):
        first, second = jitter(dict(img=[image.copy(), image.copy()]))['img']
        np.testing.assert_array_equal(first, second)
        assert (first != image).any()


def test_draws_differ_from_call_to_call_and_match_a_single_view():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    jitter = ColorJitter(brightness=0.4)
    np.random.seed(0)
    first = jitter(dict(img=[image]))['img'][0]
    second = jitter(dict(img=image))['img']
    assert (first != second).any()
    np.random.seed(0)
    np.testing.assert_array_equal(jitter(dict(img=image))['img'], first)


def test_it_is_silent():
    image = np.zeros((4, 4, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        ColorJitter(saturation=0.4)(dict(img=image))
