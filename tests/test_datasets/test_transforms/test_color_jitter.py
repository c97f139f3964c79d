import colorsys

import numpy as np
import pytest
from mmpretrain.datasets.transforms import ColorJitter as LibraryColorJitter

from peco.datasets.transforms.color_jitter import ColorJitter, shift_hue


def test_hue_shift_matches_colorsys():
    rng = np.random.default_rng(0)
    img = rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)
    for factor in (-0.4, 0.1, 0.5):
        expected = np.empty_like(img)
        for y, x in np.ndindex(img.shape[:2]):
            b, g, r = img[y, x] / 255
            h, s, v = colorsys.rgb_to_hsv(r, g, b)
            r, g, b = colorsys.hsv_to_rgb((h + factor) % 1, s, v)
            expected[y, x] = np.round(np.array([b, g, r]) * 255)
        difference = np.abs(shift_hue(img, factor).astype(int) - expected.astype(int))
        assert difference.max() <= 8 and difference.mean() < 2


def test_the_library_breaks_on_a_negative_hue():
    img = np.full((4, 4, 3), (10, 100, 200), np.uint8)
    jitter = dict(hue=(-0.1, -0.1))
    with pytest.raises(OverflowError):
        LibraryColorJitter(**jitter, backend='cv2')(dict(img=img.copy()))
    changed = ColorJitter(**jitter)(dict(img=img.copy()))['img']
    assert changed.shape == img.shape and not np.array_equal(changed, img)


def test_no_change_is_the_identity_and_views_are_jittered_alike():
    img = np.random.default_rng(1).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    same = ColorJitter()(dict(img=img.copy()))['img']
    np.testing.assert_array_equal(same, img)
    np.random.seed(0)
    first, second = ColorJitter(brightness=0.4, hue=0.1)(dict(img=[img, img]))['img']
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, img)
