import pytest
import torch

from peco.models.tokenizers import ConvDecoder
from peco.models.tokenizers.blocks import ResidualBlock, SpatialAttention


@pytest.mark.parametrize('mult, stride', [((1, ), 1), ((1, 2, 4), 4), ((1, 1, 2, 2, 4), 16)])
def test_stride_and_shape(mult, stride):
    decoder = ConvDecoder(base_channels=4, channel_mult=mult, num_res_blocks=1, in_channels=6)
    assert decoder.stride == stride
    assert decoder(torch.randn(2, 6, 2, 3)).shape == (2, 3, 2 * stride, 3 * stride)


def test_depth_and_attention_follow_the_config():
    decoder = ConvDecoder(base_channels=4, channel_mult=(1, 2, 2), num_res_blocks=2, in_channels=4)
    assert sum(isinstance(block, ResidualBlock) for block in decoder.blocks) == 3 * 3 + 2
    assert sum(isinstance(block, SpatialAttention) for block in decoder.blocks) == 3 + 1
    # Attention stands before the first upsampling.
    kinds = [type(block).__name__ for block in decoder.blocks]
    assert 'SpatialAttention' not in kinds[kinds.index('Upsample'):]


def test_channels_mirror_the_encoder():
    decoder = ConvDecoder(base_channels=4, channel_mult=(1, 2, 5), num_res_blocks=1, in_channels=6)
    assert decoder.stem.out_channels == 20 and decoder.head.in_channels == 4


def test_gradient_checkpointing_changes_nothing():
    torch.manual_seed(0)
    decoder = ConvDecoder(base_channels=4, channel_mult=(1, 2), num_res_blocks=1, in_channels=4,
                          with_cp=True)
    z = torch.randn(1, 4, 4, 4, requires_grad=True)
    first = decoder(z)
    decoder.with_cp = False
    torch.testing.assert_close(first, decoder(z))
    first.sum().backward()
    assert z.grad.abs().sum() > 0
