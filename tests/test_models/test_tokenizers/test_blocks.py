import pytest
import torch
import torch.nn.functional as F

from peco.models.tokenizers import ConvDecoder, ConvEncoder
from peco.models.tokenizers.blocks import (
    Downsample,
    ResidualBlock,
    SpatialAttention,
    Upsample,
    group_norm,
    normed_silu,
    quick_layout,
    resolve_levels,
)


@pytest.mark.parametrize('channels, groups', [(128, 32), (32, 32), (48, 24), (8, 8), (20, 20),
                                              (40, 20), (7, 7), (37, 1)])
def test_groups_divide_the_channels(channels, groups):
    assert group_norm(channels).num_groups == groups


def test_attention_is_softmax_over_all_places():
    torch.manual_seed(0)
    block, x = SpatialAttention(8).double(), torch.randn(2, 8, 3, 5).double()
    q, k, v = block.qkv(block.norm(x)).flatten(2).chunk(3, 1)
    weights = (q.transpose(1, 2) @ k / 8**0.5).softmax(-1)
    expected = x + block.proj((v @ weights.transpose(1, 2)).view_as(x))
    torch.testing.assert_close(block(x), expected)


def test_shapes_and_zero_residual():
    x = torch.randn(1, 8, 6, 4)
    assert Downsample(8)(x).shape == (1, 8, 3, 2)
    assert Upsample(8)(x).shape == (1, 8, 12, 8)
    assert ResidualBlock(8, 12)(x).shape == (1, 12, 6, 4)
    block = ResidualBlock(8, 8)
    torch.nn.init.zeros_(block.conv2.weight)
    torch.nn.init.zeros_(block.conv2.bias)
    assert torch.equal(block(x), x)


def test_down_and_up_are_convolutions_of_padded_and_of_repeated_pixels():
    torch.manual_seed(0)
    x, down, up = torch.randn(2, 8, 6, 4), Downsample(8), Upsample(8)
    padded = torch.zeros(2, 8, 7, 5)
    padded[:, :, :6, :4] = x  # zeros at the far sides
    wanted = F.conv2d(padded, down.conv.weight, down.conv.bias, stride=2)
    torch.testing.assert_close(down(x), wanted)
    repeated = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(up(x), F.conv2d(repeated, up.conv.weight, up.conv.bias, padding=1))


def test_levels():
    assert resolve_levels((-1, 0), 3) == {0, 2}
    with pytest.raises(ValueError, match=r'attn_levels=\(3,\) names the level 3.*makes 3 levels'):
        resolve_levels((3, ), 3)


@pytest.mark.parametrize('grad, side, channels_last', [(False, 33, True), (False, 32, False),
                                                       (True, 33, False)])
def test_large_maps_have_channels_last_in_inference_alone(grad, side, channels_last):
    x = torch.randn(2, 4, side, side)
    for given in (x, x.contiguous(memory_format=torch.channels_last)):
        with torch.set_grad_enabled(grad):
            out = quick_layout(given)
        assert torch.equal(out, x)
        assert out.is_contiguous(memory_format=torch.channels_last) is channels_last
        assert out.is_contiguous() is not channels_last


@pytest.mark.parametrize('amp', [False, True])
def test_no_group_norm_meets_channels_last_in_training(amp):
    # Attention and the quantizer give maps whose channels come last.
    layouts = []
    coder = torch.nn.Sequential(
        ConvEncoder(base_channels=8, channel_mult=(1, 2), num_res_blocks=1, out_channels=8),
        ConvDecoder(base_channels=8, channel_mult=(1, 2), num_res_blocks=1, in_channels=8))
    for module in coder.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.register_forward_pre_hook(
                lambda _, inputs: layouts.append(inputs[0].is_contiguous()))
    x = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        coder(x).sum().backward()
    assert len(layouts) > 15
    assert all(layouts)


def test_normed_silu_spares_a_tensor_in_inference_and_keeps_gradients():
    norm, x = group_norm(4), torch.randn(2, 4, 3, 3, requires_grad=True)
    wanted = torch.nn.functional.silu(norm(x))
    normed_silu(norm, x).sum().backward()
    assert x.grad.abs().sum() > 0
    with torch.no_grad():
        assert torch.equal(normed_silu(norm, x), wanted)
