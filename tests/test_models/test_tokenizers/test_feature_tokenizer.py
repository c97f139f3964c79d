"""Tokens learned from features: the loss of BEiT v2, f outside, the same ids as any tokenizer."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from mmengine.runner.checkpoint import save_checkpoint

from peco.models.tokenizers import load_frozen_tokenizer
from peco.registry import MODELS
from tests.test_models.test_tokenizers.tokenizer_cfg import PERCEPTUAL, SIZE


def feature_cfg(**kwargs):
    """Features of 8 channels at half the side of the image, tokens at a quarter."""
    return dict(
        type='peco.FeatureTokenizer',
        encoder=dict(type='peco.ConvEncoder', out_channels=8, **SIZE),
        quantizer=dict(type='peco.EMAQuantizer', codebook_size=16, code_dim=8, init='random'),
        decoder=dict(type='peco.FeatureDecoder', in_channels=8, out_channels=8, channels=8),
        network=PERCEPTUAL['network'], **kwargs)


def build(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(feature_cfg(**kwargs))


def images():
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_the_loss_is_one_less_the_cosine_at_each_token():
    tokenizer = build().eval()
    losses = tokenizer.loss(images())
    features = tokenizer.network(images())[-1]
    assert features.shape == (2, 8, 8, 8)
    target = features.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5))
    codes = tokenizer.quantizer.lookup(tokenizer.tokenize(images()))
    cosine = (F.normalize(tokenizer.decoder(codes), dim=1) * F.normalize(target, dim=1)).sum(1)
    torch.testing.assert_close(losses['loss_feature'], 1 - cosine.mean())
    samples = tokenizer.predict(images())
    torch.testing.assert_close(samples[1].feature_cosine, cosine[1].mean())
    assert torch.equal(samples[1].token_ids, tokenizer.tokenize(images())[1])


def test_commitment_depth_and_range():
    tokenizer = build(commitment_weight=0.4).eval()
    losses = tokenizer.loss(images())
    z = tokenizer._encode(images())
    codes = tokenizer.quantizer.lookup(tokenizer.tokenize(images()))
    torch.testing.assert_close(losses['loss_commit'], 0.4 * F.mse_loss(z, codes))
    first = build(depth=0).eval()
    first.network.module.forward = lambda _: [torch.ones(2, 8, 4, 4), torch.zeros(2, 8, 4, 4)]
    assert torch.equal(first._target(images(), (4, 4)), torch.ones(2, 8, 4, 4))
    signed = build(value_range=(-1., 1.)).eval()
    torch.testing.assert_close(signed._target(images() * 2 - 1, (4, 4)),
                               tokenizer._target(images(), (4, 4)))


def test_coarse_features_are_interpolated():
    tokenizer = build().eval()
    coarse = torch.randn(2, 8, 2, 2)
    tokenizer.network.module.forward = lambda images: [coarse]
    target = tokenizer._target(images(), (4, 4))
    torch.testing.assert_close(target, F.interpolate(coarse, (4, 4), mode='bilinear'))


def test_a_step_trains_encoder_and_decoder_and_not_the_network():
    tokenizer = build()
    network = tokenizer.network.module
    before = {name: value.clone() for name, value in network.state_dict().items()}
    weights = {name: value.clone() for name, value in tokenizer.named_parameters()}
    assert not any('network' in name for name in tokenizer.state_dict())
    optim = OptimWrapper(torch.optim.SGD(tokenizer.parameters(), lr=0.1))
    tokenizer.train_step([images()], optim)
    assert [name for name, value in tokenizer.named_parameters()
            if name.endswith('weight') and torch.equal(value, weights[name])] == []
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_it_learns():
    tokenizer = build()
    optim = OptimWrapper(torch.optim.Adam(tokenizer.parameters(), lr=1e-2))
    first, *_, last = [tokenizer.train_step([images()], optim)['feature_cosine'].item()
                       for _ in range(30)]
    assert last > first + 0.1


def test_a_frozen_one_needs_no_network_and_gives_the_same_ids(tmp_path):
    tokenizer = build().eval()
    save_checkpoint(dict(state_dict=tokenizer.state_dict()), str(tmp_path / 'a.pth'))
    frozen = load_frozen_tokenizer(feature_cfg(), str(tmp_path / 'a.pth'))
    assert torch.equal(frozen.tokenize(images()), tokenizer.tokenize(images()))
    assert frozen.grid_size((16, 24)) == (4, 6) and frozen.codebook_size == 16
    with pytest.raises(ValueError, match='without network'):
        frozen.loss(images())


def test_parts_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match='decoder.in_channels=4'):
        MODELS.build(dict(feature_cfg(), decoder=dict(
            type='peco.FeatureDecoder', in_channels=4, out_channels=8)))
    wrong = MODELS.build(dict(feature_cfg(), decoder=dict(
        type='peco.FeatureDecoder', in_channels=8, out_channels=5)))
    with pytest.raises(ValueError, match='features have 8 channels, decoder.out_channels=5'):
        wrong.loss(images())
