"""Attention in chunks of queries: the same numbers, no tensor of all pairs."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from peco.models.backbones.fused_attention import fused_attention
from peco.models.backbones.whole_image import WholeImage
from peco.utils.rel_pos_bias import num_table_rows, table_to_bias

GRID, HEADS, DIM = (6, 9), 2, 4


def inputs(with_cls=True, dtype=torch.float64):
    gen = torch.Generator().manual_seed(0)
    tokens = GRID[0] * GRID[1] + with_cls
    qkv = [torch.randn(2, HEADS, tokens, DIM, generator=gen).to(dtype).requires_grad_()
           for _ in range(3)]
    table = torch.randn(num_table_rows((4, 4), with_cls), HEADS, generator=gen)
    return [*qkv, table.to(dtype).requires_grad_()]


@pytest.mark.parametrize('with_cls', [True, False])
@pytest.mark.parametrize('chunk', [1, 7, 54])
def test_chunks_change_neither_result_nor_gradient(with_cls, chunk):
    given = inputs(with_cls)
    tokens = given[0].size(2)
    wanted = scaled_dot_product_attention(
        *given[:3], table_to_bias(given[3], (4, 4), GRID, with_cls))
    span = WholeImage(GRID, with_cls, max_logits=chunk * tokens)
    assert span.chunk == (chunk if chunk < tokens else None)
    out = span(*given[:3], span.bias(given[3], (4, 4)))
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-12)
    weight = torch.randn_like(out)
    for found, other in zip(torch.autograd.grad((out * weight).sum(), given),
                            torch.autograd.grad((wanted * weight).sum(), given), strict=True):
        torch.testing.assert_close(found, other, rtol=0, atol=1e-11)


def test_below_the_limit_nothing_changes():
    q, k, v, table = inputs()
    span = WholeImage(GRID, max_logits=55**2)
    bias = table_to_bias(table, (4, 4), GRID)
    assert span.chunk is None and torch.equal(span.bias(table, (4, 4)), bias)
    assert torch.equal(span(q, k, v, bias), fused_attention(q, k, v, bias))


def kept(run):
    """Numbers in all storages that a forward pass keeps for the backward pass."""
    held = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes() // tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = run()
    assert out.requires_grad  # and lives, so that no address is used twice
    return sum(held.values())


def test_chunks_keep_no_pairs():
    q, k, v, table = inputs()
    given = q.numel() + k.numel() + v.numel() + table.numel()
    sizes = {}
    for max_logits in (55**2, 500, 100):
        span = WholeImage(GRID, max_logits=max_logits)
        sizes[max_logits] = kept(lambda span=span: span(q, k, v, span.bias(table, (4, 4))))
    assert sizes[55**2] >= HEADS * 55 * 55
    # Of 7 or 55 chunks: what goes into them, and the table of this grid.
    assert max(sizes[500], sizes[100]) < 1.5 * given


def test_no_call_sees_more_pairs_than_allowed(monkeypatch):
    from peco.models.backbones import whole_image
    pairs = []

    def attend(q, k, v, bias, dropout_p):
        pairs.append(q.size(2) * k.size(2))
        assert bias.shape == (1, HEADS, q.size(2), k.size(2))
        return fused_attention(q, k, v, bias, dropout_p)

    monkeypatch.setattr(whole_image, 'fused_attention', attend)
    q, k, v, table = inputs()
    for context in (torch.no_grad(), torch.enable_grad()):
        pairs.clear()
        with context:
            span = WholeImage(GRID, max_logits=500)
            span(q, k, v, span.bias(table, (4, 4)))
        assert sum(pairs) == 55 * 55 and max(pairs) <= 500


def test_without_bias_there_are_no_chunks(monkeypatch):
    from peco.models.backbones import whole_image
    monkeypatch.setattr(whole_image, 'bias_rows', None)
    q, k, v, _ = inputs()
    assert torch.equal(WholeImage(GRID, max_logits=500)(q, k, v),
                       scaled_dot_product_attention(q, k, v))


def test_dropout_is_the_same_when_a_chunk_is_made_again():
    """The gradient of v is linear in the output, so both passes must drop the same weights."""
    q, k, v, table = inputs()
    span = WholeImage(GRID, max_logits=500)
    torch.manual_seed(1)
    out = span(q, k, v, span.bias(table, (4, 4)), 0.5)
    weight = torch.randn_like(out)
    grad, = torch.autograd.grad((out * weight).sum(), v)
    torch.testing.assert_close((grad * v).sum(), (out * weight).sum())


def test_bfloat16_keeps_the_gradient_of_the_table_in_float32():
    q, k, v, table = inputs(dtype=torch.float32)
    span = WholeImage(GRID, max_logits=500)
    out = span(*(x.bfloat16() for x in (q, k, v)), span.bias(table, (4, 4)))
    assert out.dtype == torch.bfloat16
    out.float().pow(2).sum().backward()
    wanted, = torch.autograd.grad(
        scaled_dot_product_attention(q, k, v, table_to_bias(table, (4, 4), GRID)).pow(2).sum(),
        table)
    assert table.grad.dtype == torch.float32
    torch.testing.assert_close(table.grad, wanted, rtol=0.1, atol=0.1 * wanted.abs().max().item())
