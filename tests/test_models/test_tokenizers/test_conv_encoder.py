import pytest
import torch

from peco.models.tokenizers import ConvEncoder
from peco.models.tokenizers.blocks import ResidualBlock, SpatialAttention


@pytest.mark.parametrize('mult, stride', [((1, ), 1), ((1, 2, 4), 4), ((1, 1, 2, 2, 4), 16)])
def test_stride_and_shape(mult, stride):
    encoder = ConvEncoder(base_channels=4, channel_mult=mult, num_res_blocks=1, out_channels=6)
    assert encoder.stride == stride
    assert encoder(torch.rand(2, 3, 32, 16)).shape == (2, 6, 32 // stride, 16 // stride)


def test_depth_and_attention_follow_the_config():
    def count(kind, **kwargs):
        encoder = ConvEncoder(base_channels=4, channel_mult=(1, 2, 2), out_channels=4, **kwargs)
        return sum(isinstance(block, kind) for block in encoder.blocks)

    # Two residual blocks and one attention are the middle.
    assert count(ResidualBlock, num_res_blocks=3) == 3 * 3 + 2
    assert count(SpatialAttention, num_res_blocks=2) == 2 + 1
    assert count(SpatialAttention, num_res_blocks=2, attn_levels=(1, )) == 2
    assert count(SpatialAttention, attn_levels=()) == 0


def test_default_is_of_the_size_of_vqgan_f16():
    with torch.device('meta'):
        encoder = ConvEncoder()
    assert encoder.stride == 16
    assert 25e6 < sum(p.numel() for p in encoder.parameters()) < 35e6


def test_without_attention_each_vector_sees_its_surroundings_alone():
    torch.manual_seed(0)
    encoder = ConvEncoder(base_channels=4, channel_mult=(1, 1), num_res_blocks=1, attn_levels=(),
                          out_channels=4)
    for module in encoder.modules():
        if isinstance(module, torch.nn.GroupNorm):  # the only other global operation
            module.forward = lambda x: x
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    encoder(x)[0, :, 16, 16].sum().backward()
    seen = x.grad.abs().sum((0, 1)).nonzero()
    # Centred on the 2x2 cell of the token, at rows and columns 32 and 33.
    middle = (seen.min(0).values + seen.max(0).values) / 2
    assert (middle - 32.5).abs().max() <= 1.5
    assert (seen.max(0).values - seen.min(0).values).max() < 40


def test_gradient_checkpointing_changes_nothing():
    torch.manual_seed(0)
    encoder = ConvEncoder(base_channels=4, channel_mult=(1, 2), num_res_blocks=1, out_channels=4)
    grads = []
    for encoder.with_cp in (False, True):
        encoder.zero_grad()
        x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        encoder(x).square().sum().backward()
        grads.append([p.grad.clone() for p in encoder.parameters()])
    for first, second in zip(*grads, strict=True):
        torch.testing.assert_close(first, second)


def test_channels_last_and_bf16():
    torch.manual_seed(0)
    encoder = ConvEncoder(base_channels=8, channel_mult=(1, 2), num_res_blocks=1, out_channels=4)
    x = torch.rand(2, 3, 16, 16)
    expected = encoder(x)
    turned = encoder.to(memory_format=torch.channels_last)(
        x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(turned, expected, atol=1e-5, rtol=1e-4)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = encoder(x)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, atol=0.05, rtol=0.05)


def test_inference_gives_what_training_gives_and_the_image_stays():
    torch.manual_seed(0)
    encoder = ConvEncoder(base_channels=8, channel_mult=(1, 2, 2), out_channels=4).double().eval()
    x = torch.rand(2, 3, 40, 40, dtype=torch.float64)
    before = x.clone()
    wanted = encoder(x)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x), wanted)
    assert torch.equal(x, before)
