"""Attention in windows against a grid that is really padded, and against the whole image."""

import pytest
import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from peco.models.backbones.fused_attention import fused_attention
from peco.models.backbones.windows import Windows
from peco.utils.rel_pos_bias import num_table_rows, table_to_bias

HEADS, DIM, SIZE = 2, 4, 5


def inputs(grid, with_cls, batch=2):
    gen = torch.Generator().manual_seed(0)
    shape = (batch, HEADS, grid[0] * grid[1] + with_cls, DIM)
    qkv = [torch.randn(shape, generator=gen, dtype=torch.float64, requires_grad=True)
           for _ in range(3)]
    table = torch.randn(num_table_rows((SIZE, SIZE), with_cls), HEADS, generator=gen,
                        dtype=torch.float64, requires_grad=True)
    return [*qkv, table]


def padded_and_masked(q, k, v, table, grid, with_cls):
    """Windows one by one on a grid padded with noise to whole windows, the noise masked out."""
    h, w = grid
    down, across = -h % SIZE, -w % SIZE

    def padded(x):
        x = pad(x[:, :, with_cls:].unflatten(2, grid), (0, 0, 0, across, 0, down))
        noise = 100 * torch.randn_like(x)
        noise[:, :, :h, :w] = 0
        return x + noise

    bias = table_to_bias(table, (SIZE, SIZE), (SIZE, SIZE), with_cls)
    grids, real = [padded(x) for x in (q, k, v)], pad(torch.ones(h, w), (0, across, 0, down))
    out = torch.zeros_like(grids[0])
    for top in range(0, h, SIZE):
        for left in range(0, w, SIZE):
            here = (slice(top, top + SIZE), slice(left, left + SIZE))
            wq, wk, wv = (x[:, :, here[0], here[1]].flatten(2, 3) for x in grids)
            if with_cls:
                wq, wk, wv = (torch.cat([x[:, :, :1], y], 2)
                              for x, y in zip((q, k, v), (wq, wk, wv), strict=True))
            hidden = torch.cat([torch.zeros(int(with_cls)), 1 - real[here].flatten()]).bool()
            logits = (bias + q.new_zeros(())).masked_fill(hidden, float('-inf'))
            patches = scaled_dot_product_attention(wq, wk, wv, logits)[:, :, with_cls:]
            out[:, :, here[0], here[1]] = patches.unflatten(2, (SIZE, SIZE))
    out = out[:, :, :h, :w].flatten(2, 3)
    if not with_cls:
        return out
    column = torch.cat([bias[:, :, :1, :1], bias[:, :, :1, 1:2].expand(-1, -1, -1, h * w)], 3)
    return torch.cat([scaled_dot_product_attention(q[:, :, :1], k, v, column), out], 2)


@pytest.mark.parametrize('with_cls', [True, False])
@pytest.mark.parametrize('grid', [(10, 15), (12, 8), (3, 11), (7, 5), (5, 6), (4, 2)])
def test_equals_a_padded_grid_with_the_padding_masked_out(grid, with_cls):
    torch.manual_seed(0)
    given = inputs(grid, with_cls)
    span = Windows(grid, SIZE, with_cls)
    out = span(*given[:3], span.bias(given[3], (SIZE, SIZE)))
    wanted = padded_and_masked(*given, grid, with_cls)
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-12)
    weight = torch.randn_like(out)
    for found, other in zip(torch.autograd.grad((out * weight).sum(), given),
                            torch.autograd.grad((wanted * weight).sum(), given), strict=True):
        torch.testing.assert_close(found, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize('with_cls', [True, False])
def test_one_window_is_the_whole_image(with_cls):
    grid = (SIZE, SIZE)
    q, k, v, table = inputs(grid, with_cls)
    span = Windows(grid, SIZE, with_cls)
    bias = table_to_bias(table, grid, grid, with_cls)
    assert torch.equal(span.bias(table, grid), bias)
    assert torch.equal(span(q, k, v, bias), fused_attention(q, k, v, bias))
    assert torch.equal(span(q, k, v), fused_attention(q, k, v))


def test_windows_do_not_see_each_other_and_the_class_token_sees_all():
    q, k, v, table = (x.detach() for x in inputs((7, 12), True))
    span = Windows((7, 12), SIZE)
    bias = span.bias(table, (SIZE, SIZE))
    before = span(q, k, v, bias)
    v[:, :, 1 + 6 * 12 + 3] += 1.  # row 6, column 3: a partly filled window
    changed = (span(q, k, v, bias) != before).any(-1).any(1).all(0)
    assert changed[0]
    wanted = torch.zeros(7, 12, dtype=torch.bool)
    wanted[5:, :5] = True
    assert torch.equal(changed[1:].view(7, 12), wanted)


def test_the_class_token_is_a_key_of_every_window():
    q, k, v, table = (x.detach() for x in inputs((7, 12), True))
    span = Windows((7, 12), SIZE)
    before = span(q, k, v)
    v[:, :, 0] += 1.
    assert (span(q, k, v) != before).any(-1).all()


def test_a_table_of_another_grid_is_resized_to_the_window():
    table = inputs((SIZE, SIZE), True)[3]
    bias = Windows((9, 9), 3).bias(table, (SIZE, SIZE))
    assert torch.equal(bias, table_to_bias(table, (SIZE, SIZE), (3, 3)))


@pytest.mark.parametrize('grid, calls', [((10, 15), 1), ((10, 12), 2), ((12, 12), 4), ((3, 4), 1)])
def test_windows_of_one_size_are_one_call(grid, calls, monkeypatch):
    from peco.models.backbones import windows
    seen = []
    monkeypatch.setattr(windows, 'fused_attention',
                        lambda *args: seen.append(1) or fused_attention(*args))
    q, k, v, _ = inputs(grid, False)
    Windows(grid, SIZE, False)(q, k, v)
    assert len(seen) == calls


def test_dropout_acts():
    q, k, v, table = inputs((7, 12), True)
    span = Windows((7, 12), SIZE)
    assert not torch.allclose(span(q, k, v, dropout_p=0.5), span(q, k, v, dropout_p=0.5))
