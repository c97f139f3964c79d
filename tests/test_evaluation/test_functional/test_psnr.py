import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio

from peco.evaluation.functional import psnr


def test_it_equals_torchmetrics_image_by_image():
    torch.manual_seed(0)
    reference = torch.rand(4, 3, 8, 8)
    image = (reference + 0.1 * torch.randn_like(reference)).clamp(0, 1)
    expected = peak_signal_noise_ratio(image, reference, data_range=1., reduction='none',
                                       dim=(1, 2, 3))
    torch.testing.assert_close(psnr(image, reference), expected)
    torch.testing.assert_close(psnr(image[0], reference[0]), expected[0])


def test_by_hand_and_the_cap():
    reference = torch.zeros(3, 4, 4)
    assert psnr(reference + 0.1, reference).item() == pytest.approx(20., abs=1e-4)
    assert psnr(reference, reference).item() == pytest.approx(100., abs=1e-4)


def test_reconstructions_are_clamped():
    reference = torch.ones(3, 4, 4)
    assert psnr(reference + 5, reference).item() == pytest.approx(100., abs=1e-4)


def test_wrong_range_or_shape_is_refused():
    with pytest.raises(ValueError, match=r'\[0, 1\], got a reference in \[.*255'):
        psnr(torch.rand(3, 4, 4), torch.full((3, 4, 4), 255.))
    with pytest.raises(ValueError, match=r'a reference in \[-1'):
        psnr(torch.rand(3, 4, 4), torch.full((3, 4, 4), -1.))
    with pytest.raises(ValueError, match='shapes differ'):
        psnr(torch.rand(3, 4, 4), torch.rand(3, 4, 5))
