import torch
import torch.nn.functional as F

from peco.models.perceptual.unit_channels import unit_channels


def test_norm_is_one_at_each_place():
    feature = torch.randn(2, 5, 3, 4) * 7
    torch.testing.assert_close(unit_channels(feature), F.normalize(feature, dim=1))


def test_gradient_is_finite_at_a_zero_vector():
    feature = torch.randn(1, 5, 2, 2)
    feature[:, :, 0, 1] = 0
    feature.requires_grad_()
    unit_channels(feature).square().sum().backward()
    assert feature.grad.isfinite().all()
