import pytest
import torch

from peco.models.tokenizers import FeatureDecoder


@pytest.mark.parametrize('num_res_blocks', [0, 2])
def test_features_stand_at_the_places_of_codes(num_res_blocks):
    decoder = FeatureDecoder(4, out_channels=6, channels=8, num_res_blocks=num_res_blocks)
    assert len(decoder.blocks) == num_res_blocks
    assert decoder(torch.randn(2, 4, 5, 3)).shape == (2, 6, 5, 3)
