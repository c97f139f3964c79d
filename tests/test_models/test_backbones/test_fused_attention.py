"""Attention with a trained bias: the numbers of the plain formula, products in the given dtype."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from peco.models.backbones.fused_attention import fused_attention

SHAPES = [(1, 2, 5, 7), (3, 2, 5, 7), (2, 5, 7), (1, 2, 1, 7)]


def inputs(bias_shape, dtype=torch.float64):
    torch.manual_seed(0)
    return [torch.randn(shape, dtype=dtype, requires_grad=True)
            for shape in ((3, 2, 5, 4), (3, 2, 7, 4), (3, 2, 7, 4), bias_shape)]


def plain(q, k, v, bias):
    return (q @ k.transpose(-2, -1) / q.size(-1)**0.5 + bias).softmax(-1) @ v


@pytest.mark.parametrize('bias_shape', SHAPES, ids=str)
def test_forward_and_gradients_are_those_of_the_formula(bias_shape):
    given = inputs(bias_shape)
    torch.testing.assert_close(fused_attention(*given), plain(*given), rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(fused_attention, given)


@pytest.mark.parametrize('dtype, spread', [
    (torch.bfloat16, 1.), (torch.bfloat16, 3.), (torch.float16, 3.), (torch.float16, 60.)])
def test_half_the_digits_are_as_exact_as_in_the_kernel_of_torch(dtype, spread):
    """Peaked logits too, which lose their differences where they are rounded."""
    torch.manual_seed(0)
    q, k, v = ((spread * torch.randn(2, 2, 64, 64)).to(dtype) for _ in range(3))
    bias = torch.randn(1, 2, 64, 64).to(dtype).float().requires_grad_()
    exact = plain(*(x.double() for x in (q, k, v, bias)))
    error = (fused_attention(q, k, v, bias) - exact).norm()
    kernel = scaled_dot_product_attention(q, k, v, bias.detach().to(dtype))
    assert error <= 1.5 * (kernel - exact).norm()


def test_products_but_the_logits_are_of_the_given_dtype_and_gradients_of_each_input():
    """torch's way with a trained bias multiplies float32: this test catches it."""
    class Products(TorchDispatchMode):
        seen = []

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if function.overloadpacket in (torch.ops.aten.bmm, torch.ops.aten.matmul):
                self.seen.append(args[0].dtype)
            return function(*args, **(kwargs or {}))

    given = inputs((1, 2, 5, 7), torch.float32)
    q, k, v = (x.detach().bfloat16().requires_grad_() for x in given[:3])
    with Products() as products:
        fused_attention(q, k, v, given[3]).float().sum().backward()
        assert products.seen == [torch.float32] + 5 * [torch.bfloat16]
        products.seen.clear()
        scaled_dot_product_attention(q, k, v, given[3].bfloat16())
        assert products.seen == 2 * [torch.float32]
    assert [x.grad.dtype for x in (q, k, v, given[3])] == [torch.bfloat16] * 3 + [torch.float32]


@pytest.mark.parametrize('change', ['no_grad', 'dropout', 'no_bias', 'frozen_bias'])
def test_elsewhere_it_is_torchs_kernel(change):
    q, k, v, bias = inputs((1, 2, 5, 7), torch.float32)
    if change == 'no_bias':
        bias = None
    elif change == 'frozen_bias':
        bias = bias.detach()
    dropout = 0.5 if change == 'dropout' else 0.
    with torch.set_grad_enabled(change != 'no_grad'):
        torch.manual_seed(1)
        found = fused_attention(q, k, v, bias, dropout)
        torch.manual_seed(1)
        assert torch.equal(found, scaled_dot_product_attention(q, k, v, bias, dropout))


def test_under_autocast_the_dtype_of_the_queries_holds():
    given = inputs((1, 2, 5, 7), torch.float32)
    with torch.autocast('cpu', torch.bfloat16):
        out = fused_attention(*given)
    out.sum().backward()
    torch.testing.assert_close(out, plain(*given))


def test_a_checkpoint_makes_it_again():
    given = inputs((1, 2, 5, 7))
    out = checkpoint(fused_attention, *given, use_reentrant=False)
    found = torch.autograd.grad(out.sum(), given)
    wanted = torch.autograd.grad(plain(*given).sum(), given)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
