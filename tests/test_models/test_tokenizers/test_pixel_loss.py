import pytest
import torch

from peco.models.tokenizers import PixelLoss


@pytest.mark.parametrize('norm, expected', [('L1', 0.75), ('L2', 1.25)])
def test_value(norm, expected):
    x, x_hat = torch.zeros(1, 1, 1, 4), torch.tensor([[[[0., 1., 2., 0.]]]])
    assert PixelLoss(norm)(x, x_hat).item() == expected
    assert PixelLoss(norm, weight=3.)(x, x_hat).item() == 3 * expected


def test_half_precision_reconstruction_is_compared_in_fp32():
    x = torch.rand(1, 3, 4, 4)
    assert PixelLoss()(x, x.bfloat16()).dtype == torch.float32


def test_unknown_norm():
    with pytest.raises(ValueError, match="'L3'"):
        PixelLoss('L3')
