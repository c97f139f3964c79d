import lpips
import pytest
import torch
from torchvision.models import squeezenet1_1

from peco.models.perceptual import LPIPSLoss


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('trunk') / 'squeezenet.pth'
    torch.save(squeezenet1_1().state_dict(), path)
    return str(path)


@pytest.fixture(scope='module')
def reference(checkpoint):
    """``lpips.LPIPS`` with the trunk put in by hand."""
    model = lpips.LPIPS(net='squeeze', pnet_rand=True, verbose=False)
    trunk = squeezenet1_1()
    trunk.load_state_dict(torch.load(checkpoint, weights_only=True))
    for part in model.net.children():
        for index in list(part._modules):
            setattr(part, index, trunk.features[int(index)])
    return model.eval()


def _pair():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 2, 3, 64, 64, generator=generator).unbind()


def test_equals_lpips_on_minus_one_to_one(checkpoint, reference):
    """Fails if the conversion from [0, 1] is dropped: the last line shows how much it matters."""
    x, x_hat = _pair()
    loss = LPIPSLoss('squeeze', checkpoint, weight=3.)
    with torch.no_grad():
        expected = reference(x * 2 - 1, x_hat * 2 - 1).flatten()
        without = reference(x, x_hat).flatten()
    torch.testing.assert_close(loss.distance(x, x_hat), expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(loss(x, x_hat), 3 * expected.mean(), rtol=1e-4, atol=1e-6)
    signed = LPIPSLoss('squeeze', checkpoint, input_range=(-1., 1.))
    torch.testing.assert_close(signed.distance(x * 2 - 1, x_hat * 2 - 1), expected, rtol=1e-4,
                               atol=1e-6)
    assert ((without - expected).abs() > 0.01 * expected).all()


def test_autocast_costs_no_digits(checkpoint):
    x, x_hat = _pair()
    loss = LPIPSLoss('squeeze', checkpoint)
    expected = loss.distance(x, x_hat)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(loss.distance(x, x_hat), expected)
        assert torch.isfinite(loss(x, x_hat.bfloat16())) and loss(x, x_hat).dtype == torch.float32


def test_gradients_reach_the_reconstruction_only(checkpoint):
    x, x_hat = _pair()
    loss = LPIPSLoss('squeeze', checkpoint).train()
    x_hat.requires_grad_()
    loss(x, x_hat).backward()
    assert x_hat.grad.abs().sum() > 0
    assert not list(loss.parameters()) and not loss.state_dict()
    assert not any(module.training for module in loss.network.module.modules())


def test_dead_features_give_finite_gradients(checkpoint):
    x, x_hat = _pair()
    loss = LPIPSLoss('squeeze', checkpoint)
    for parameter in loss.network.module.net.parameters():
        parameter.data.zero_()
    x_hat.requires_grad_()
    loss(x, x_hat).backward()
    assert x_hat.grad.isfinite().all()


def test_refusals(checkpoint, tmp_path):
    with pytest.raises(ValueError, match="torchvision's vgg16.*trunk_checkpoint"):
        LPIPSLoss()
    with pytest.raises(ValueError, match="'resnet'"):
        LPIPSLoss('resnet', allow_random=True)
    with pytest.raises(FileNotFoundError, match='gone.pth'):
        LPIPSLoss('squeeze', str(tmp_path / 'gone.pth'))
    other = tmp_path / 'other.pth'
    torch.save({'features.0.weight': torch.zeros(64, 3, 3, 3)}, other)
    with pytest.raises(ValueError, match='does not fit this squeezenet'):
        LPIPSLoss('squeeze', str(other))
    loss = LPIPSLoss('squeeze', allow_random=True)
    x, x_hat = _pair()
    with pytest.raises(ValueError, match='images lie in'):
        loss(x * 2 - 1, x_hat)
