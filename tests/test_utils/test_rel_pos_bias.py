"""Relative position bias: parity with timm, exactness, gradients, non-square grids."""

import pytest
import torch
from timm.layers import resize_rel_pos_bias_table
from timm.models.beit import RelativePositionBias

from peco.utils.rel_pos_bias import (
    axis_weights,
    bias_rows,
    num_table_rows,
    relative_position_index,
    resize_bias_table,
    square_table_grid,
    table_to_bias,
)

CPU = torch.device('cpu')


def random_table(grid, with_cls_token=True, num_heads=3):
    return torch.randn(num_table_rows(grid, with_cls_token), num_heads)


@pytest.mark.parametrize('src, dst', [(14, 24), (14, 40), (4, 7), (2, 3), (8, 14)])
def test_resize_equals_timm_for_square_grids(src, dst):
    table = random_table((src, src))
    wanted = resize_rel_pos_bias_table(
        table, new_window_size=(dst, dst), new_bias_shape=(num_table_rows((dst, dst)), 3))
    resized = resize_bias_table(table, (src, src), (dst, dst))
    assert resized.shape == wanted.shape
    torch.testing.assert_close(resized, wanted, rtol=1e-4, atol=1e-5)


def test_resize_is_exact_for_the_identity():
    table = random_table((5, 3))
    assert resize_bias_table(table, (5, 3), (5, 3)) is table
    assert torch.equal(axis_weights(6, 6, CPU), torch.eye(11))


@pytest.mark.parametrize('src, dst', [(32, 33), (32, 36), (14, 15), (40, 44), (5, 6), (14, 24)])
def test_the_outermost_offset_stays_the_outermost(src, dst):
    """BEiT's and timm's rule reads offset 27.9 of 31 where 32 become 33 patches."""
    offsets = torch.arange(1. - src, src)
    read = axis_weights(src, dst, CPU) @ offsets
    assert read[-1] == pytest.approx(src - 1, abs=1e-2)
    assert (read.diff() > 0).all()
    # The innermost keep their distance.
    torch.testing.assert_close(read[dst - 2:dst + 1], torch.tensor([-1., 0., 1.]), rtol=1e-4,
                               atol=1e-4)


@pytest.mark.parametrize('src, dst', [(32, 31), (14, 8), (7, 2), (4, 1)])
def test_a_smaller_grid_has_the_offsets_that_it_needs(src, dst):
    table = torch.arange(1. - src, src)
    assert torch.equal(axis_weights(src, dst, CPU) @ table, torch.arange(1. - dst, dst))


def test_each_axis_is_resized_on_its_own():
    """An axis that keeps its length is untouched: rows of the table just repeat the pattern."""
    column = torch.randn(7)  # four patches
    table = column[:, None].expand(7, 9).reshape(-1, 1)  # constant along five columns
    resized = resize_bias_table(table, (4, 5), (4, 9), with_cls_token=False).view(7, 17)
    torch.testing.assert_close(resized, column[:, None].expand(7, 17))


@pytest.mark.parametrize('src, dst', [(1, 4), (4, 1), (3, 20), (20, 3)])
def test_weights_are_an_average_centred_on_zero(src, dst):
    weights = axis_weights(src, dst, CPU)
    assert weights.shape == (2 * dst - 1, 2 * src - 1)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(2 * dst - 1))
    # Offset zero stays offset zero, and mirrored offsets have mirrored weights.
    assert weights[dst - 1, src - 1] == 1
    torch.testing.assert_close(weights, weights.flip(0, 1), rtol=1e-4, atol=1e-6)


def test_cls_rows_are_kept():
    table = random_table((4, 4))
    assert torch.equal(resize_bias_table(table, (4, 4), (6, 5))[-3:], table[-3:])


def test_gradient_reaches_the_table_through_a_resize():
    table = random_table((3, 3)).requires_grad_()
    table_to_bias(table, (3, 3), (5, 4)).pow(2).sum().backward()
    assert (table.grad.abs().sum(1) > 0).all()


def test_resize_is_linear_in_the_table():
    a, b = random_table((4, 4)), random_table((4, 4))
    torch.testing.assert_close(
        resize_bias_table(2 * a - b, (4, 4), (7, 5)),
        2 * resize_bias_table(a, (4, 4), (7, 5)) - resize_bias_table(b, (4, 4), (7, 5)),
        rtol=1e-4, atol=1e-5)


def test_bias_equals_timm_at_a_non_square_grid():
    module = RelativePositionBias((3, 5), num_heads=3)
    torch.nn.init.normal_(module.relative_position_bias_table)
    bias = table_to_bias(module.relative_position_bias_table, (3, 5), (3, 5))
    assert torch.equal(bias[0], module())


def test_bias_without_class_token_is_the_patch_part():
    table = random_table((3, 4))
    full = table_to_bias(table, (3, 4), (3, 4))
    patches = table_to_bias(table[:-3], (3, 4), (3, 4), with_cls_token=False)
    assert torch.equal(full[:, :, 1:, 1:], patches)


def test_cached_tensors_made_in_inference_mode_can_train():
    with torch.inference_mode():
        table_to_bias(random_table((6, 6)), (6, 6), (11, 9))
    table = random_table((6, 6)).requires_grad_()
    table_to_bias(table, (6, 6), (11, 9)).sum().backward()
    assert table.grad is not None
    assert relative_position_index((11, 9), True, CPU) is relative_position_index(
        (11, 9), True, CPU)


def test_resize_stays_fp32_under_autocast_and_keeps_the_dtype():
    table = random_table((4, 4))
    with torch.autocast('cpu', torch.bfloat16):
        resized = resize_bias_table(table, (4, 4), (6, 6))
    assert torch.equal(resized, resize_bias_table(table, (4, 4), (6, 6)))
    assert resize_bias_table(table.bfloat16(), (4, 4), (6, 6)).dtype == torch.bfloat16


def test_resize_keeps_double_precision():
    table = random_table((4, 4)).double() + 1e6
    resized = resize_bias_table(table, (4, 4), (6, 6)) - resize_bias_table(
        table - 1e6, (4, 4), (6, 6))
    # Rows of the weights sum to one only within fp32; the values themselves are not rounded.
    torch.testing.assert_close(resized[-3:], torch.full((3, 3), 1e6, dtype=torch.float64))
    assert resized.dtype == torch.float64
    assert (resized - 1e6).abs().max() < 1


@pytest.mark.parametrize('grid', [(1, 1), (4, 4), (14, 14)])
@pytest.mark.parametrize('with_cls_token', [True, False])
def test_square_grid_is_found_from_the_rows(grid, with_cls_token):
    assert square_table_grid(num_table_rows(grid, with_cls_token), with_cls_token) == grid


def test_rows_of_no_square_grid_are_refused():
    with pytest.raises(ValueError, match='table of 66 rows'):
        square_table_grid(num_table_rows((4, 5)))


def test_rows_that_do_not_fit_the_grid_are_refused():
    with pytest.raises(ValueError, match='4x5 grid with class token has 66 bias rows.*52'):
        resize_bias_table(random_table((4, 4)), (4, 5), (6, 6))


@pytest.mark.parametrize('with_cls_token', [True, False])
@pytest.mark.parametrize('start, stop', [(0, 1), (0, 7), (1, 5), (4, 12), (0, 12)])
def test_rows_of_a_bias(with_cls_token, start, stop):
    table = torch.randn(num_table_rows((3, 4), with_cls_token), 2, requires_grad=True)
    whole = table_to_bias(table, (3, 4), (3, 4), with_cls_token)
    rows = bias_rows(table, (3, 4), start, stop, with_cls_token)
    assert torch.equal(rows, whole[:, :, start:stop])
    weight = torch.randn_like(rows)
    found, = torch.autograd.grad((rows * weight).sum(), table)
    wanted, = torch.autograd.grad((whole[:, :, start:stop] * weight).sum(), table)
    torch.testing.assert_close(found, wanted)


def test_a_resize_keeps_nothing_larger_than_the_tables():
    table = torch.randn(num_table_rows((7, 7)), 2, requires_grad=True)
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor):
        resize_bias_table(table, (7, 7), (10, 12))
    assert sizes and max(sizes) <= 2 * num_table_rows((10, 12))
