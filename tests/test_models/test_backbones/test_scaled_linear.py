"""Layer scale within the weights: the numbers of a scale after the layer."""

import pytest
import torch
from torch import nn

from peco.models.backbones.scaled_linear import scaled_linear


@pytest.mark.parametrize('tokens', [3, 6])  # few: a scale after the layer; many: within it
@pytest.mark.parametrize('bias', [True, False])
def test_output_and_gradients_are_those_of_a_scale_after_the_layer(bias, tokens):
    torch.manual_seed(0)
    layer = nn.Linear(6, 4, bias).double()
    x = torch.randn(2, tokens, 6, dtype=torch.float64, requires_grad=True)
    scale = torch.randn(4, dtype=torch.float64, requires_grad=True)
    given = (x, scale, *layer.parameters())
    found, wanted = scaled_linear(layer, x, scale), scale * layer(x)
    torch.testing.assert_close(found, wanted)
    for one, other in zip(torch.autograd.grad(found.square().sum(), given),
                          torch.autograd.grad(wanted.square().sum(), given), strict=True):
        torch.testing.assert_close(one, other)


def test_without_a_scale_the_layer_is_called():
    layer, x = nn.Linear(6, 4), torch.randn(2, 3, 6)
    assert torch.equal(scaled_linear(layer, x, None), layer(x))


def test_float16_weights_are_not_scaled_to_nothing():
    """ViT-L's scale of 1e-5 leaves nothing of a weight of 0.001 in float16, but of the output."""
    layer, scale = nn.Linear(6, 4, bias=False), torch.full((4, ), 1e-5)
    nn.init.constant_(layer.weight, 1e-3)
    x = torch.ones(2, 9, 6)
    with torch.autocast('cpu', torch.float16):
        out = scaled_linear(layer, x, scale)
    torch.testing.assert_close(out, torch.full_like(out, 6e-8), rtol=1e-2, atol=0)
    assert (scale[:, None] * layer.weight).half().eq(0).all()


def test_a_layer_that_is_more_than_linear_is_called():
    class Adapted(nn.Linear):
        def forward(self, x):
            return super().forward(x) + 1

    x, scale = torch.randn(2, 20, 6), torch.randn(4)
    adapted = Adapted(6, 4)
    torch.testing.assert_close(scaled_linear(adapted, x, scale), scale * adapted(x))
    hooked = nn.Linear(6, 4)
    hooked.register_forward_hook(lambda module, args, out: out + 1)
    torch.testing.assert_close(scaled_linear(hooked, x, scale), scale * hooked(x))
