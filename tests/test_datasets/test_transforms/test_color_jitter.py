import warnings

import mmcv
import numpy as np
import pytest
from mmpretrain.datasets import ColorJitter as TheirColorJitter
from PIL import Image
from torchvision.transforms.functional import adjust_hue

from peco.datasets.transforms import ColorJitter
from peco.datasets.transforms.color_jitter import (
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    shift_hue,
)


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


def test_each_amount_goes_to_its_change():
    """mmpretrain's own draws the same order and amounts from the same seed."""
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    amounts = dict(brightness=0.1, contrast=0.4, saturation=0.8)
    ours, theirs = ColorJitter(**amounts), TheirColorJitter(**amounts, backend='cv2')
    for seed in range(8):
        found = []
        for jitter in (ours, theirs):
            np.random.seed(seed)
            found.append(jitter(dict(img=image.copy()))['img'].astype(int))
        assert np.abs(found[0] - found[1]).max() <= 6
        assert np.abs(found[0] - found[1]).mean() < 1


def test_it_is_silent():
    image = np.zeros((4, 4, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        black = ColorJitter(saturation=0.4)(dict(img=image))['img']
    np.testing.assert_array_equal(black, 0)


@pytest.mark.parametrize('factor', [-0.5, -0.1, 0., 0.25, 0.5])
def test_the_hue_shift_is_torchvisions(factor):
    coarse = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = coarse.repeat(4, axis=0).repeat(4, axis=1)
    rgb = adjust_hue(Image.fromarray(np.ascontiguousarray(image[..., ::-1])), factor)
    difference = shift_hue(image, factor)[..., ::-1].astype(int) - np.asarray(rgb)
    # Both keep 256 hues, rounded differently.
    assert np.abs(difference).max() <= 12 and np.abs(difference).mean() < 3


def test_hue_alone_changes_the_image():
    image = np.full((4, 4, 3), (200, 60, 30), np.uint8)
    np.random.seed(0)
    assert (ColorJitter(hue=0.3)(dict(img=image))['img'] != image).any()


@pytest.mark.parametrize('factor', [0., 0.3, 0.617, 1., 1.4, 2.5])
@pytest.mark.parametrize('ours, theirs', [(adjust_brightness, mmcv.adjust_brightness),
                                          (adjust_contrast, mmcv.adjust_contrast)])
def test_tables_of_levels_give_what_mmcv_gives(ours, theirs, factor):
    image = np.random.default_rng(0).integers(0, 200, (32, 32, 3), dtype=np.uint8)
    difference = np.abs(ours(image, factor).astype(int) - theirs(image, factor, backend='cv2'))
    # A product that is a whole number may fall to either side.
    assert difference.max() <= 1 and (difference > 0).mean() < 0.2


@pytest.mark.parametrize('factor', [0., 0.3, 0.617, 1., 1.4, 2.5])
def test_saturation_is_mmcvs_within_a_level(factor):
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    ours, theirs = adjust_saturation(image, factor), mmcv.adjust_color(image, factor, backend='cv2')
    difference = np.abs(ours.astype(int) - theirs)
    # The library rounds its gray image before it mixes it in.
    assert difference.max() <= (1 if factor < 2 else 2)
    assert (difference > 0).mean() < 0.6
