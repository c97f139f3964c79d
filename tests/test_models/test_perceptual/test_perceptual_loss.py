import copy

import pytest
import torch

from peco.models.perceptual import PerceptualLoss
from peco.registry import MODELS
from tests.test_models.test_perceptual.networks import NORM, RESNET, TwoDepths


def _loss(**kwargs):
    torch.manual_seed(0)
    return PerceptualLoss(TwoDepths(), **kwargs)


def _pair(batch=3, size=8):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, 3, size, size, generator=generator)
    return x, torch.rand(batch, 3, size, size, generator=generator, requires_grad=True)


def test_each_depth_is_divided_by_its_c_h_w_and_averaged_over_the_batch():
    loss, (x, x_hat) = _loss(weight=0.7), _pair()
    network = loss.network.module
    expected = torch.zeros(3)
    for feature, other in zip(network(x), network(x_hat), strict=True):
        for i in range(3):
            channels, height, width = feature.shape[1:]
            squared = (feature[i] - other[i]).square().sum() / (channels * height * width)
            expected[i] += squared
    torch.testing.assert_close(loss(x, x_hat), 0.7 * expected.mean())
    torch.testing.assert_close(loss.distance(x, x_hat), expected.detach())


def test_layer_weights():
    x, x_hat = _pair()
    first = _loss(layer_weights=(1., 0.)).distance(x, x_hat)
    second = _loss(layer_weights=(0., 1.)).distance(x, x_hat)
    mixed = _loss(layer_weights=(2., 0.5)).distance(x, x_hat)
    torch.testing.assert_close(mixed, 2 * first + 0.5 * second)
    with pytest.raises(ValueError, match='layer_weights has 3 values.*gives 2 depths'):
        _loss(layer_weights=(1., 1., 1.))(x, x_hat)


def test_channel_normalisation():
    loss, (x, x_hat) = _loss(normalize_channels=True), _pair()
    network = loss.network.module
    expected = sum(
        2 - 2 * torch.nn.functional.cosine_similarity(a, b, dim=1)
        .flatten(1).mean(1) for a, b in zip(network(x), network(x_hat), strict=True))
    torch.testing.assert_close(loss.distance(x, x_hat), expected.detach())


def test_channel_normalisation_has_finite_gradients_at_zero_features():
    loss, (x, x_hat) = _loss(normalize_channels=True), _pair()
    for parameter in loss.network.module.parameters():
        parameter.data.zero_()
    loss(x, x_hat).backward()
    assert x_hat.grad.isfinite().all()


def test_gradients_reach_the_reconstruction_only():
    loss, (x, x_hat) = _loss(), _pair()
    x.requires_grad_()
    loss(x, x_hat).backward()
    assert x_hat.grad.abs().sum() > 0 and x.grad is None
    assert all(parameter.grad is None for parameter in loss.network.module.parameters())
    assert not loss.distance(x, x_hat).requires_grad


def test_features_of_the_original_build_no_graph():
    loss, (x, x_hat) = _loss(), _pair()
    recording = []
    loss.network.module.register_forward_hook(
        lambda module, args, out: recording.append(out[0].requires_grad))
    loss(x.requires_grad_(), x_hat)
    assert recording == [False, True]


def test_network_stays_in_eval_mode_and_out_of_the_state():
    owner = torch.nn.ModuleDict(dict(loss=_loss(), own=torch.nn.Linear(1, 1))).train()
    x, x_hat = _pair()
    network = owner['loss'].network.module
    before = copy.deepcopy(network.state_dict())
    first, second = owner['loss'](x, x_hat), owner['loss'](x, x_hat)
    assert torch.equal(first, second)  # no dropout
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert list(owner.state_dict()) == ['own.weight', 'own.bias']
    assert len(list(owner.parameters())) == 2


def test_identical_images_have_distance_zero():
    x, _ = _pair()
    assert not _loss().distance(x, x).any()
    assert not _loss(normalize_channels=True).distance(x, x).any()


def test_the_network_gets_unit_range_whatever_the_input_range():
    x, x_hat = _pair()
    expected = _loss().distance(x, x_hat)
    for low, high in ((-1., 1.), (0., 255.)):
        scaled = _loss(input_range=(low, high)).distance(x * (high - low) + low,
                                                         x_hat * (high - low) + low)
        torch.testing.assert_close(scaled, expected, atol=1e-5, rtol=1e-4)


def test_originals_are_checked_and_reconstructions_may_exceed():
    loss, (x, x_hat) = _loss(), _pair()
    assert loss(x, x_hat * 3 - 1).isfinite()
    with pytest.raises(ValueError, match=r'images lie in .*the perceptual loss expects.*\[0, 1\]'):
        loss(x * 2 - 1, x_hat)
    with pytest.raises(ValueError, match='shape'):
        loss(x, x_hat[:1])
    with pytest.raises(ValueError, match='input_range must rise'):
        _loss(input_range=(1., 1.))


def test_differences_are_in_fp32_under_autocast():
    loss, (x, x_hat) = _loss(), _pair()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(x, x_hat)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(x, x_hat), rtol=0.05, atol=0)


def test_built_by_config():
    loss = MODELS.build(dict(
        type='peco.PerceptualLoss', weight=2., network=dict(
            type='peco.BackboneFeatures', backbone=RESNET, allow_random=True, **NORM)))
    x, x_hat = _pair(size=16)
    torch.testing.assert_close(loss(x, x_hat).detach(), 2 * loss.distance(x, x_hat).mean())


def test_distance_grows_with_the_damage():
    loss, (x, _) = _loss(), _pair()
    noise = torch.randn_like(x)
    near, far = (loss.distance(x, x + scale * noise) for scale in (0.05, 0.3))
    assert (near < far).all()
