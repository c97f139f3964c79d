import math

import pytest
import torch

from peco.models.utils.checks import check_finite, check_images


@pytest.mark.parametrize('value_range', [(0., 1.), (-1., 1.)])
def test_images_in_range_pass_up_to_rounding(value_range):
    images = torch.rand(2, 3, 4, 4) * (value_range[1] - value_range[0]) + value_range[0]
    images[0, 0, 0, 0] = value_range[1] + 1e-4
    check_images(images, value_range, 'a test')
    check_images(images.bfloat16(), value_range, 'a test')


@pytest.mark.parametrize('value, seen', [
    (2.6, r'images lie in \[0, 2.6\]'),
    (-2.1, r'images lie in \[-2.1, 0\]'),
    (math.nan, 'nan'),
    (math.inf, 'inf'),
])
def test_values_out_of_range_are_named(value, seen):
    images = torch.zeros(2, 3, 4, 4)
    images[1, 2, 3, 0] = value
    with pytest.raises(ValueError, match=seen) as error:
        check_images(images, (0., 1.), 'the tokenizer')
    assert 'the tokenizer expects finite values in [0, 1]' in str(error.value)


@pytest.mark.parametrize('shape', [(3, 4, 4), (2, 1, 4, 4), (0, 3, 4, 4)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match='shape'):
        check_images(torch.zeros(shape), (0., 1.), 'a test')


def test_bytes_are_refused():
    with pytest.raises(TypeError, match='torch.uint8; a test expects'):
        check_images(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), (0., 1.), 'a test')


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_finite(value):
    values = torch.full((1000, ), 3e38)  # their fp32 sum would overflow
    check_finite(values, 'vectors', 'mend it')
    values[7] = value
    with pytest.raises(ValueError, match='vectors hold NaN or infinite values; mend it'):
        check_finite(values, 'vectors', 'mend it')


def test_opposite_infinities_do_not_cancel():
    with pytest.raises(ValueError):
        check_finite(torch.tensor([math.inf, -math.inf]), 'vectors', 'mend it')
