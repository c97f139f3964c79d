import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.checkpoint import save_checkpoint
from mmpretrain.structures import DataSample

from peco.models.tokenizers import PerceptualTokenizer
from peco.registry import MODELS
from tests.test_models.test_tokenizers.tokenizer_cfg import PERCEPTUAL, SIZE, tokenizer_cfg


def _build(seed=0, **kwargs):
    torch.manual_seed(seed)
    return MODELS.build(tokenizer_cfg(**kwargs))


def _images(batch=2, height=16, width=16, seed=0):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


def _same_state(first, second):
    return all(torch.equal(first[name], second[name]) for name in first | second)


def test_tokenize_decode_reconstruct():
    tokenizer, images = _build().eval(), _images(height=16, width=24)
    ids = tokenizer.tokenize(images)
    assert ids.shape == (2, 4, 6) and ids.dtype == torch.long
    decoded = tokenizer.decode(ids)
    assert decoded.shape == images.shape
    assert torch.equal(decoded, tokenizer.reconstruct(images))
    assert not decoded.requires_grad
    assert tokenizer.codebook_size == 16 and tokenizer.stride == 4
    assert tokenizer.grid_size((16, 24)) == (4, 6)


def test_each_token_decodes_to_its_code():
    """What the decoder gets from ids is what it gets in the loss."""
    tokenizer, images = _build().eval(), _images()
    seen = []
    tokenizer.decoder.register_forward_hook(lambda module, args, out: seen.append(args[0]))
    tokenizer.loss(images)
    tokenizer.reconstruct(images)
    assert torch.equal(*seen)


@pytest.mark.parametrize('value_range', [(0., 1.), (-1., 1.), (0., 255.)])
def test_images_reach_the_encoder_in_minus_one_to_one_and_come_back(value_range):
    tokenizer = _build(value_range=value_range).eval()
    low, high = value_range
    seen = []
    tokenizer.encoder.register_forward_hook(lambda module, args, out: seen.append(args[0]))
    tokenizer.tokenize(_images() * (high - low) + low)
    torch.testing.assert_close(seen[0], _images() * 2 - 1, atol=1e-5, rtol=0)
    for output, expected in ((-1., low), (1., high), (0., (low + high) / 2), (9., high)):
        tokenizer.decoder.forward = lambda z, output=output: torch.full((1, 3, 4, 4), output)
        decoded = tokenizer.decode(torch.zeros(1, 1, 1, dtype=torch.long))
        torch.testing.assert_close(decoded, torch.full((1, 3, 4, 4), expected))


def test_losses_are_those_of_the_parts():
    tokenizer = _build(perceptual=dict(PERCEPTUAL, weight=0.5), commitment_weight=0.4,
                       pixel_loss=dict(type='L2', weight=2.)).eval()
    images = _images()
    losses = tokenizer(images, mode='loss')
    assert set(losses) == {'loss_pixel', 'loss_perceptual', 'loss_commit', 'usage', 'perplexity',
                           'psnr'}
    z = tokenizer.encoder(images * 2 - 1)
    out = tokenizer.quantizer(z)
    x_hat = (tokenizer.decoder(out.quantized) + 1) / 2
    torch.testing.assert_close(losses['loss_pixel'], 2 * (x_hat - images).square().mean())
    torch.testing.assert_close(losses['loss_commit'], 0.4 * (z - out.quantized).square().mean())
    distances = tokenizer.perceptual_loss.distance(images, x_hat)
    torch.testing.assert_close(losses['loss_perceptual'], 0.5 * distances.mean())
    errors = (x_hat.clamp(0, 1) - images).square().flatten(1).mean(1)
    torch.testing.assert_close(losses['psnr'], (-10 * errors.log10()).mean())
    assert not losses['psnr'].requires_grad


def test_default_pixel_loss_is_l1():
    assert _build().pixel_loss.norm == 'L1'
    named = _build(pixel_loss=dict(type='peco.PixelLoss', norm='L2', weight=3.))
    assert named.pixel_loss.norm == 'L2' and named.pixel_loss.weight == 3


def test_lambda_zero_never_runs_the_network_in_training():
    tokenizer = _build(perceptual=dict(PERCEPTUAL, weight=0.))
    calls = []
    network = tokenizer.perceptual_loss.network.module
    network.register_forward_hook(lambda *args: calls.append(1))
    losses = tokenizer(_images(), mode='loss')
    assert 'loss_perceptual' not in losses and not calls
    samples = tokenizer.eval()(_images(), mode='predict')
    assert calls and samples[0].perceptual_distance > 0


def test_every_part_learns_and_the_network_does_not():
    tokenizer = _build(perceptual=PERCEPTUAL, init='data')
    network = tokenizer.perceptual_loss.network.module
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tokenizer.train()
    wrapper = OptimWrapper(torch.optim.SGD(tokenizer.parameters(), 0.01))
    for step in range(3):
        logs = tokenizer.train_step(dict(inputs=_images(seed=step)), wrapper)
    assert logs['loss'].isfinite() and logs['usage'] > 0
    tokenizer.zero_grad()
    sum(v for k, v in tokenizer(_images(), mode='loss').items() if k.startswith('loss')).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in tokenizer.parameters())
    assert _same_state(before, network.state_dict())
    assert not any(module.training for module in network.modules())


def test_training_lowers_the_loss():
    tokenizer = _build(init='kmeans').train()
    optimizer = torch.optim.Adam(tokenizer.parameters(), 3e-3)
    images = torch.nn.functional.interpolate(_images(4, 4, 4), size=16, mode='bilinear')
    seen = []
    for _ in range(60):
        losses = tokenizer(images, mode='loss')
        optimizer.zero_grad()
        (losses['loss_pixel'] + losses['loss_commit']).backward()
        optimizer.step()
        seen.append(losses['loss_pixel'].item())
    assert sum(seen[-5:]) < 0.6 * sum(seen[:5])


def test_while_vectors_are_gathered_the_autoencoder_learns():
    tokenizer = _build(init='data', codebook_size=64).train()
    losses = tokenizer(_images(1), mode='loss')
    assert losses['loss_commit'] == 0 and losses['usage'] == 0
    losses['loss_pixel'].backward()
    assert all(p.grad.abs().sum() > 0 for p in tokenizer.encoder.parameters())
    for use in (tokenizer.tokenize, tokenizer.reconstruct, tokenizer.eval().forward):
        with pytest.raises(RuntimeError, match='not initialised'):
            use(_images())


def test_predict_fills_the_data_samples():
    tokenizer, images = _build(perceptual=PERCEPTUAL).eval(), _images(3)
    samples = tokenizer(images, [DataSample().set_gt_label(i) for i in range(3)], mode='predict')
    ids = tokenizer(images, mode='tensor')
    for i, sample in enumerate(samples):
        assert sample.gt_label.item() == i
        assert torch.equal(sample.token_ids, ids[i])
        assert torch.equal(sample.original, images[i])
        assert torch.equal(sample.reconstruction, tokenizer.reconstruct(images)[i])
        assert 0 <= sample.reconstruction.min() and sample.reconstruction.max() <= 1
        torch.testing.assert_close(
            sample.perceptual_distance,
            tokenizer.perceptual_loss.distance(images, tokenizer.reconstruct(images))[i])
    assert 'perceptual_distance' not in _build().eval()(images, mode='predict')[0]


def test_test_step_with_mmpretrain_preprocessor():
    tokenizer = _build(data_preprocessor=dict(
        type='mmpretrain.SelfSupDataPreprocessor', mean=[0., 0, 0], std=[255., 255, 255],
        to_rgb=True)).eval()
    bgr = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    samples = tokenizer.test_step(dict(inputs=bgr, data_samples=[DataSample(), DataSample()]))
    torch.testing.assert_close(samples[1].original, bgr[1].flip(0) / 255)


def test_a_list_with_one_view_is_a_view():
    tokenizer, images = _build().eval(), _images()
    assert torch.equal(tokenizer([images]), tokenizer(images))
    with pytest.raises(ValueError, match='one view of each image, got 2'):
        tokenizer([images, images])


# State


def test_checkpoint_holds_no_perceptual_network_and_fits_a_pixel_only_tokenizer(tmp_path):
    trained = _build(perceptual=PERCEPTUAL)
    path = str(tmp_path / 'tokenizer.pth')
    save_checkpoint(dict(state_dict=trained.state_dict()), path)
    state = torch.load(path, weights_only=True)['state_dict']
    assert {name.split('.')[0] for name in state} == {'encoder', 'quantizer', 'decoder'}
    plain = _build(seed=1)
    assert plain.fingerprint() != trained.fingerprint()
    plain.load_state_dict(state, strict=True)
    assert plain.fingerprint() == trained.fingerprint()
    assert torch.equal(plain.eval().tokenize(_images()), trained.eval().tokenize(_images()))


def test_fingerprint_follows_the_codebook():
    tokenizer = _build()
    before = tokenizer.fingerprint()
    tokenizer.tokenize(_images())
    assert tokenizer.fingerprint() == before
    tokenizer.train()(_images(), mode='loss')
    assert tokenizer.fingerprint() != before


def test_deepcopy_copies_no_perceptual_network():
    tokenizer = _build(perceptual=PERCEPTUAL)
    other = copy.deepcopy(tokenizer)
    assert other.encoder is not tokenizer.encoder
    assert other.perceptual_loss.network.module is tokenizer.perceptual_loss.network.module


def test_frozen_tokenizer_ignores_train():
    tokenizer = _build().freeze()
    before = {name: value.clone() for name, value in tokenizer.named_buffers()}
    tokenizer.train(True)
    tokenizer.quantizer.train(True)
    tokenizer(_images(), mode='loss')
    assert not any(module.training for module in tokenizer.modules())
    assert not any(p.requires_grad for p in tokenizer.parameters())
    assert _same_state(before, dict(tokenizer.named_buffers()))


def test_tokenizing_in_train_mode_changes_nothing():
    tokenizer = _build().train()
    before = {name: value.clone() for name, value in tokenizer.state_dict().items()}
    ids = tokenizer.tokenize(_images())
    assert tokenizer.training and _same_state(before, tokenizer.state_dict())
    assert torch.equal(ids, tokenizer.eval().tokenize(_images()))


# Precision


def test_bf16_autocast():
    tokenizer = _build(perceptual=PERCEPTUAL).train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = tokenizer(_images(), mode='loss')
        ids = tokenizer.tokenize(_images())
    assert all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())
    assert ids.shape == (2, 4, 4)
    sum(v for k, v in losses.items() if k.startswith('loss')).backward()
    assert tokenizer.quantizer.embedding.dtype == torch.float32


def test_float64():
    tokenizer = _build(perceptual=PERCEPTUAL).double().train()
    losses = tokenizer(_images().double(), mode='loss')
    assert losses['loss_pixel'].dtype == losses['loss_perceptual'].dtype == torch.float64
    assert tokenizer.decode(tokenizer.tokenize(_images().double())).dtype == torch.float64


# Refused input


@pytest.mark.parametrize('mode', ['loss', 'predict', 'tensor'])
@pytest.mark.parametrize('scale, shift, seen', [(4.7, -2.1, r'-2\.\d+, 2\.\d+'),
                                                (255, 0, r'25\d'), (float('nan'), 0, 'nan')])
def test_values_out_of_range(mode, scale, shift, seen):
    tokenizer = _build().eval()
    with pytest.raises(ValueError, match=f'images lie in .*{seen}.*the tokenizer expects'):
        tokenizer(_images() * scale + shift, mode=mode)


def test_sizes_that_do_not_divide():
    tokenizer = _build()
    with pytest.raises(ValueError, match='18x16 pixels.*4x4.*multiples of 4'):
        tokenizer.tokenize(_images(height=18))
    with pytest.raises(ValueError, match='0x16'):
        tokenizer.grid_size((0, 16))


def test_parts_that_do_not_fit():
    cfg = tokenizer_cfg()
    with pytest.raises(ValueError, match='out_channels=12, quantizer.code_dim=8'):
        MODELS.build(dict(cfg, encoder=dict(cfg['encoder'], out_channels=12)))
    with pytest.raises(ValueError, match='stride 4, the decoder 2'):
        MODELS.build(dict(cfg, decoder=dict(cfg['decoder'], channel_mult=(1, 2))))
    with pytest.raises(ValueError, match='value_range must rise'):
        MODELS.build(dict(cfg, value_range=(1., 0.)))
    # Images in [0, 1] lie in [-1, 1] as well, so no check of values would find this.
    for ranges in (dict(), dict(value_range=(0., 255.))):
        with pytest.raises(ValueError, match=r'input_range=\(-1.0, 1.0\).*value_range=\(0.0'):
            _build(perceptual=dict(PERCEPTUAL, input_range=(-1, 1)), **ranges)
    assert _build(perceptual=dict(PERCEPTUAL, input_range=(-1, 1)), value_range=(-1, 1))
    with pytest.raises(ValueError, match="got 'train'"):
        MODELS.build(cfg)(_images(), mode='train')


def test_parts_may_be_modules():
    parts = {name: MODELS.build(tokenizer_cfg()[name]) for name in ('encoder', 'quantizer',
                                                                   'decoder')}
    tokenizer = PerceptualTokenizer(**parts)
    assert tokenizer.encoder is parts['encoder'] and SIZE['base_channels'] == 4
