"""PeCo: the loss, the frozen tokenizer, targets, errors."""

import copy
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from mmengine.model import ExponentialMovingAverage
from mmpretrain.structures import DataSample
from torch import nn

from peco.models.data_preprocessors import TwoViewDataPreprocessor
from peco.models.pretrainers import PeCo
from peco.models.pretrainers import peco as peco_module
from peco.registry import MODELS

CODES, STRIDE = 12, 8
BACKBONE = dict(type='peco.PeCoViT', arch=dict(embed_dims=16, num_layers=2, num_heads=2),
                img_size=32, patch_size=8, mask_token=True, out_type='raw')
HEAD = dict(type='peco.MIMHead', embed_dims=16, num_classes=CODES)


class MeanTokenizer(nn.Module):
    """A token is the rounded mean of its pixels; counts how often and on what it is called."""

    codebook_size = CODES

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.batches = []
        self.dtypes = []

    def grid_size(self, size):
        return size[0] // STRIDE, size[1] // STRIDE

    def tokenize(self, images):
        self.batches.append(len(images))
        self.dtypes.append((images @ images.transpose(-1, -2)).dtype)
        return (F.avg_pool2d(images.mean(1), STRIDE) * CODES * self.weight).long().clamp(
            0, CODES - 1)

    def fingerprint(self):
        return 'f' * 64


def real_tokenizer_cfg():
    size = dict(base_channels=8, channel_mult=(1, 1, 1, 1), num_res_blocks=1, attn_levels=())
    return dict(
        type='peco.PerceptualTokenizer',
        encoder=dict(type='peco.ConvEncoder', out_channels=8, **size),
        quantizer=dict(type='peco.EMAQuantizer', codebook_size=CODES, code_dim=8, init='random'),
        decoder=dict(type='peco.ConvDecoder', in_channels=8, **size))


def real_tokenizer():
    """The package's own, whose codebook is an EMA, ready to use and in train mode."""
    torch.manual_seed(0)
    return MODELS.build(real_tokenizer_cfg()).train()


def build(tokenizer=None, **kwargs):
    torch.manual_seed(0)
    return MODELS.build(dict(type='peco.PeCo', **{
        'backbone': BACKBONE, 'head': HEAD, 'tokenizer': tokenizer, **kwargs}))


def batch(size=4, num_masked=5, image=32):
    generator = torch.Generator().manual_seed(0)
    views = [torch.randn(size, 3, image, image, generator=generator),
             torch.rand(size, 3, image, image, generator=generator)]
    samples = []
    for _ in range(size):
        mask = torch.zeros((image // 8)**2, dtype=torch.uint8)
        mask[torch.randperm(len(mask), generator=generator)[:num_masked]] = 1
        sample = DataSample().set_gt_label(1)
        # As PackInputs leaves it: a NumPy array.
        sample.set_field(mask.view(image // 8, image // 8).numpy(), 'mask')
        samples.append(sample)
    return views, samples


# The loss ---------------------------------------------------------------------------------------


def test_loss_is_the_cross_entropy_of_the_tokens_at_masked_positions():
    tokenizer = MeanTokenizer()
    model = build(tokenizer).eval()
    views, samples = batch()
    losses = model(views, samples, mode='loss')
    assert set(losses) == {'loss_mim', 'token_acc'}

    mask = torch.stack([torch.from_numpy(s.mask) for s in samples]).bool()
    logits = model.head(model.backbone(views[0], mask)[-1][:, 1:])
    ids = tokenizer.tokenize(views[1])
    wanted = F.cross_entropy(logits.view(4, 4, 4, -1)[mask], ids[mask])
    torch.testing.assert_close(losses['loss_mim'], wanted)


def test_logits_are_computed_at_masked_positions_only():
    model = build(MeanTokenizer())
    shapes = []
    model.head.fc.register_forward_hook(lambda _, args, out: shapes.append(
        (args[0].shape, out.shape)))
    model.loss(*batch(size=4, num_masked=5))
    assert shapes == [((20, 16), (20, CODES))]


def test_the_counts_of_the_preprocessor_mask_the_same_positions():
    """Training knows how many patches are masked: unequal numbers, the last ones of an image."""
    model = build(MeanTokenizer()).eval()
    views, samples = batch()
    for sample, masked in zip(samples, ([0], [15], [3, 14, 15], range(16)), strict=True):
        sample.mask[:] = 0
        sample.mask.reshape(-1)[list(masked)] = 1
    wanted = model.loss(views, samples)
    counted = TwoViewDataPreprocessor()(dict(
        inputs=torch.zeros(4, 3, 32, 32, dtype=torch.uint8), data_samples=samples))['data_samples']
    assert [sample.num_masked for sample in counted] == [1, 1, 3, 16]
    found = model.loss(views, counted)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_every_parameter_gets_a_gradient():
    model = build(MeanTokenizer()).train()
    model.loss(*batch())['loss_mim'].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_masked_pixels_of_the_backbone_view_do_not_matter():
    model = build(MeanTokenizer()).eval()
    views, samples = batch()
    loss = model.loss(views, samples)['loss_mim']
    mask = torch.stack([torch.from_numpy(s.mask) for s in samples])
    pixels = mask.repeat_interleave(8, 1).repeat_interleave(8, 2).unsqueeze(1)
    hidden = torch.where(pixels.bool(), torch.full_like(views[0], 9.), views[0])
    assert torch.equal(model.loss([hidden, views[1]], samples)['loss_mim'], loss)
    # ... and those of the tokenizer view do: they are the targets.
    assert not torch.equal(model.loss([views[0], views[1].flip(0)], samples)['loss_mim'], loss)


def test_it_learns():
    model = build(MeanTokenizer()).train()
    views, samples = batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    first = model.loss(views, samples)
    for _ in range(60):
        optimizer.zero_grad()
        losses = model.loss(views, samples)
        losses['loss_mim'].backward()
        optimizer.step()
    assert losses['loss_mim'] < 0.2 * first['loss_mim']
    assert losses['token_acc'] > 95


def test_bf16():
    tokenizer = MeanTokenizer()
    model = build(tokenizer)
    plain = model.loss(*batch())['loss_mim']
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(*batch())
    assert losses['loss_mim'].dtype == torch.float32
    torch.testing.assert_close(losses['loss_mim'], plain, rtol=0.02, atol=0.02)
    # Targets do not depend on the precision, unless asked for.
    assert set(tokenizer.dtypes) == {torch.float32}
    model.tokenizer_amp = True
    with torch.autocast('cpu', torch.bfloat16):
        model.loss(*batch())
    assert tokenizer.dtypes[-1] == torch.bfloat16


# The tokenizer stays as it is -------------------------------------------------------------------


def test_twenty_steps_leave_the_tokenizer_bit_identical():
    tokenizer = real_tokenizer()
    before = copy.deepcopy(tokenizer.state_dict())
    tokenizer(torch.rand(4, 3, 32, 32), mode='loss')
    moved = tokenizer.state_dict()
    assert any(not torch.equal(value, before[key]) for key, value in moved.items()), (
        'a training step must move the codebook, or this test proves nothing')

    before = copy.deepcopy(moved)
    model = build(tokenizer).train()
    tokenizer.train()  # as a hook or a user might
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    views, samples = batch()
    for _ in range(20):
        model.train()
        optimizer.zero_grad()
        model.loss(views, samples)['loss_mim'].backward()
        optimizer.step()
    after = tokenizer.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, before[key]) for key, value in after.items())
    assert not tokenizer.training and not any(m.training for m in tokenizer.modules())
    assert all(p.grad is None and not p.requires_grad for p in tokenizer.parameters())


def test_the_tokenizer_is_no_part_of_the_model():
    tokenizer = MeanTokenizer()
    model = build(tokenizer)
    assert model.tokenizer is tokenizer
    assert not any('tokenizer' in key for key in model.state_dict())
    assert all(p is not tokenizer.weight for p in model.parameters())
    assert tokenizer not in list(model.modules())
    model.double()
    assert tokenizer.weight.dtype == torch.float64  # but it moves along


def test_an_average_of_the_weights_copies_no_tokenizer():
    tokenizer = MeanTokenizer()
    model = build(tokenizer)
    average = ExponentialMovingAverage(model, momentum=0.5)
    assert average.module.tokenizer is tokenizer
    assert average.module.backbone is not model.backbone
    with torch.no_grad():
        model.head.fc.weight.add_(1)
    average.update_parameters(model)
    average.update_parameters(model)
    assert average.module.loss(*batch())['loss_mim'].isfinite()


def test_init_weights_leaves_the_tokenizer_alone():
    tokenizer = real_tokenizer()
    before = copy.deepcopy(tokenizer.state_dict())
    build(tokenizer).init_weights()
    assert all(torch.equal(value, before[key]) for key, value in tokenizer.state_dict().items())


@pytest.mark.parametrize('chunk, wanted', [(3, [3, 1]), (4, [4]), (1, [1] * 4), (None, [4])])
def test_chunks(chunk, wanted):
    tokenizer = MeanTokenizer()
    model = build(tokenizer, tokenizer_chunk=chunk)
    ids = model.tokenize(batch()[0][1])
    assert tokenizer.batches == wanted
    assert torch.equal(ids, tokenizer.tokenize(batch()[0][1]))


def test_the_default_chunk_counts_pixels(monkeypatch):
    tokenizer = MeanTokenizer()
    model = build(tokenizer)
    monkeypatch.setattr(peco_module, '_CHUNK_PIXELS', 2 * 32 * 32)
    model.tokenize(torch.rand(5, 3, 32, 32))
    model.tokenize(torch.rand(3, 3, 64, 64))  # larger than the budget: one at a time
    assert tokenizer.batches == [2, 2, 1, 1, 1, 1]


@pytest.mark.parametrize('low, high', [(-1., 1.), (0., 255.)])
def test_images_are_brought_to_the_range_of_the_tokenizer(low, high):
    class Ranged(MeanTokenizer):
        value_range = (low, high)

        def tokenize(self, images):
            return super().tokenize((images - low) / (high - low))

    images = batch()[0][1]
    assert torch.equal(build(Ranged()).tokenize(images), MeanTokenizer().tokenize(images))


def test_tokenizer_info():
    assert build(MeanTokenizer(), tokenizer_checkpoint='a.pth').tokenizer_info == dict(
        path='a.pth', fingerprint='f' * 64)
    assert build().tokenizer_info == dict(path=None, fingerprint=None)


def test_a_tokenizer_is_loaded_from_its_checkpoint(tmp_path):
    tokenizer = real_tokenizer().eval()
    torch.save(dict(state_dict=tokenizer.state_dict()), tmp_path / 'tok.pth')
    cfg = real_tokenizer_cfg()
    model = build(cfg, tokenizer_checkpoint=str(tmp_path / 'tok.pth'))
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(model.tokenize(images), tokenizer.tokenize(images))
    assert model.tokenizer_info == dict(
        path=str(tmp_path / 'tok.pth'), fingerprint=tokenizer.fingerprint())
    with pytest.raises(FileNotFoundError, match='missing.pth'):
        build(cfg, tokenizer_checkpoint=str(tmp_path / 'missing.pth'))
    with pytest.raises(ValueError, match='no tokenizer_checkpoint'):
        build(cfg)


@pytest.mark.parametrize('trained, warns', [(None, False), ([32, 32], False), ([16, 32], True)])
def test_a_tokenizer_trained_on_another_size_is_told(tmp_path, trained, warns):
    tokenizer = real_tokenizer().eval()
    size = {} if trained is None else dict(image_size=trained)
    torch.save(dict(state_dict=tokenizer.state_dict(), **size), tmp_path / 'tok.pth')
    with mock.patch('peco.models.pretrainers.peco.print_log') as told:
        model = build(real_tokenizer_cfg(), tokenizer_checkpoint=str(tmp_path / 'tok.pth'))
    assert model.tokenizer.trained_size == (tuple(trained) if trained else None)
    assert [call.args[0].split(':')[0] for call in told.call_args_list] == warns * [
        'The tokenizer was trained on images of 16x32 pixels and is given 32x32']


# Ids from the data samples ----------------------------------------------------------------------


def test_cached_ids_replace_the_tokenizer():
    tokenizer = MeanTokenizer()
    online, cached = build(tokenizer).eval(), build().eval()
    views, samples = batch()
    wanted = online.loss(views, samples)['loss_mim']
    for sample, ids in zip(samples, tokenizer.tokenize(views[1]), strict=True):
        sample.set_field(ids.short().numpy(), 'token_ids')
    assert torch.equal(cached.loss(views, samples)['loss_mim'], wanted)
    assert torch.equal(cached.loss(views[:1], samples)['loss_mim'], wanted)
    assert torch.equal(cached.loss(views[0], samples)['loss_mim'], wanted)


# Features and pictures --------------------------------------------------------------------------


def test_features_are_the_mean_of_the_unmasked_patch_tokens():
    model = build(MeanTokenizer()).eval()
    views, samples = batch()
    wanted = model.backbone(views[0])[-1][:, 1:].mean(1)
    torch.testing.assert_close(model(views), wanted)
    predicted = model(views, samples, mode='predict')
    assert predicted[2] is samples[2] and predicted[2].gt_label == 1
    torch.testing.assert_close(torch.stack([s.feature for s in predicted]), wanted)
    assert len(model(views[0], mode='predict')) == 4
    assert model.tokenizer.batches == []


def test_predict_tokens_fills_in_the_mask():
    model = build(MeanTokenizer()).eval()
    views, samples = batch()
    mask = torch.stack([torch.from_numpy(s.mask) for s in samples])
    ids = model.predict_tokens(views, mask)
    hidden = mask.bool()
    logits = model.head(model.backbone(views[0], hidden)[-1][:, 1:]).view(4, 4, 4, -1)
    assert torch.equal(ids[hidden], logits.argmax(-1)[hidden])
    assert torch.equal(ids[~hidden], model.tokenize(views[1])[~hidden])


# Errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('kwargs, message', [
    (dict(head=dict(HEAD, num_classes=8)), 'predicts 8 classes, .* codebook of 12'),
    (dict(backbone=dict(BACKBONE, patch_size=16)),
     '4x4 grid of tokens from 32x32 pixels, the backbone has 2x2 patches at 32x32'),
    (dict(tokenizer_size=64), '8x8 grid of tokens from 64x64 pixels'),
    (dict(tokenizer_size=(32, 16)), '4x2 grid of tokens from 32x16 pixels'),
    (dict(backbone=dict(BACKBONE, mask_token=False)), 'mask_token=True'),
    (dict(backbone=dict(BACKBONE, out_type='featmap')), "out_type='raw', not 'featmap'"),
    (dict(tokenizer_chunk=0), 'got 0'),
])
def test_parts_that_do_not_fit_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(MeanTokenizer(), **kwargs)


def test_a_tokenizer_view_of_another_size():
    model = build(MeanTokenizer(), backbone=dict(BACKBONE, img_size=64, patch_size=16),
                  tokenizer_size=32)
    views, samples = batch()
    views[0] = torch.randn(4, 3, 64, 64)
    assert model.loss(views, samples)['loss_mim'].isfinite()


def test_batches_that_do_not_fit_are_refused():
    model = build(MeanTokenizer())
    views, samples = batch()
    with pytest.raises(ValueError, match='two views'):
        model.loss(views[:1], samples)
    with pytest.raises(ValueError, match=r'token ids .* a 8x8 grid.* 4x4 patches'):
        model.loss([views[0], torch.rand(4, 3, 64, 64)], samples)
    with pytest.raises(ValueError, match=r'mask .* a 2x2 grid.* 4x4 patches.*grid_size='):
        model.loss(views, batch(image=16)[1])
    samples[1].pop('mask')
    with pytest.raises(ValueError, match="1 of 4 data samples have no 'mask'"):
        model.loss(views, samples)
    with pytest.raises(ValueError, match="4 of 4 data samples have no 'token_ids'"):
        build().loss(*batch())


def test_modules_are_taken_as_they_are():
    parts = dict(backbone=MODELS.build(BACKBONE), head=MODELS.build(HEAD))
    model = PeCo(**parts, tokenizer=MeanTokenizer())
    assert model.backbone is parts['backbone'] and model.head is parts['head']
