import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio

from peco.utils.psnr import psnr


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


def test_the_range_counts():
    reference, image = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(
        psnr(image * 2 - 1, reference * 2 - 1, (-1., 1.)), psnr(image, reference))


def test_half_precision_is_computed_in_fp32_and_double_kept():
    reference = torch.rand(3, 4, 4, dtype=torch.float64)
    half = reference.half()
    torch.testing.assert_close(
        psnr(half, reference.float()), psnr(half.float(), reference.float()))
    assert psnr(reference, reference + 0.01).dtype == torch.float64


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match='shapes differ'):
        psnr(torch.rand(3, 4, 4), torch.rand(3, 4, 5))
