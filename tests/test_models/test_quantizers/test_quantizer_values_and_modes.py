import copy

import pytest
import torch
import torch.nn.functional as F

from peco.models.quantizers import CosineEMAQuantizer, EMAQuantizer
from tests.test_models.test_quantizers.quantizers import KINDS, buffers, equal, preset


def test_value_is_the_code_and_gradient_is_straight_through():
    quantizer = preset()
    z = torch.randn(2, 8, 4, 3, requires_grad=True)
    codes = quantizer.embedding.clone()
    out = quantizer(z)
    assert torch.equal(out.quantized, codes[out.ids].permute(0, 3, 1, 2))
    grad = torch.randn_like(z)
    out.quantized.backward(grad)
    assert torch.equal(z.grad, grad)
    assert not list(quantizer.parameters())


def test_commitment_gradient_pulls_vectors_to_their_codes():
    quantizer = preset()
    z = torch.randn(2, 8, 4, 3, requires_grad=True)
    out = quantizer(z)
    out.commitment_loss.backward()
    expected = 2 * (z - out.quantized).detach() / z.numel()
    torch.testing.assert_close(z.grad, expected)
    assert out.commitment_loss.item() == pytest.approx(
        F.mse_loss(out.quantized, z).item(), rel=1e-6)


def test_cosine_gradient_passes_through_the_normalisation():
    quantizer = preset(CosineEMAQuantizer)
    z = torch.randn(1, 8, 2, 2, requires_grad=True)
    out = quantizer(z)
    torch.testing.assert_close(out.quantized.norm(dim=1), torch.ones(1, 2, 2))
    out.quantized.sum().backward()
    # Along the vector itself a unit vector cannot change.
    along = (z.grad * z).sum(1)
    torch.testing.assert_close(along, torch.zeros_like(along), atol=1e-5, rtol=0)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_fp32_inside_under_autocast(kind, dtype):
    z = torch.randn(2, 8, 4, 4).to(dtype)
    plain, mixed = preset(kind), preset(kind)
    expected = plain(z.float())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = mixed(z)
        again = mixed.assign(z)
    assert out.quantized.dtype == dtype and out.commitment_loss.dtype == torch.float32
    assert torch.equal(out.ids, expected.ids)
    assert torch.equal(out.commitment_loss, expected.commitment_loss)
    assert torch.equal(again, plain.assign(z.float()))
    assert equal(buffers(plain), buffers(mixed))


def test_float64_stays_float64():
    quantizer = preset().double()
    out = quantizer(torch.randn(1, 8, 4, 4).double())
    assert out.quantized.dtype == out.commitment_loss.dtype == torch.float64
    assert quantizer.embedding.dtype == quantizer.cluster_size.dtype == torch.float64
    # A float64 input keeps its precision with fp32 codes too.
    assert preset()(torch.randn(1, 8, 4, 4).double()).quantized.dtype == torch.float64


def test_any_memory_layout():
    z = torch.randn(2, 8, 4, 6)
    out = preset()(z)
    other = preset()(z.to(memory_format=torch.channels_last))
    assert torch.equal(out.ids, other.ids) and torch.equal(out.quantized, other.quantized)


@pytest.mark.parametrize('kind', KINDS)
def test_eval_mode_is_inert(kind):
    quantizer = preset(kind, restart_interval=1).eval()
    before = buffers(quantizer)
    for _ in range(3):
        out = quantizer(torch.randn(2, 8, 4, 4))
        quantizer.assign(torch.randn(2, 8, 4, 4))
    assert equal(before, buffers(quantizer))
    assert out.stats['usage'] > 0
    quantizer.train()(torch.randn(2, 8, 4, 4))
    assert not equal(before, buffers(quantizer))


def test_assign_in_train_mode_changes_nothing():
    quantizer = preset()
    before = buffers(quantizer)
    z = torch.randn(2, 8, 4, 4)
    assert torch.equal(quantizer.assign(z), copy.deepcopy(quantizer).eval()(z).ids)
    assert equal(before, buffers(quantizer))


def test_freeze_outlives_train():
    quantizer = preset().freeze()
    before = buffers(quantizer)
    quantizer.train(True)
    quantizer(torch.randn(2, 8, 4, 4))
    assert not quantizer.training and equal(before, buffers(quantizer))


def test_lookup_inverts_assign():
    quantizer = preset()
    ids = torch.randint(0, 32, (2, 3, 5))
    codes = quantizer.lookup(ids)
    assert codes.shape == (2, 8, 3, 5)
    assert torch.equal(quantizer.assign(codes), ids)


def test_epoch_stats_count_over_steps():
    quantizer = preset(codebook_size=4, code_dim=2, decay=0.999, restart_threshold=0)
    quantizer.set_codebook(torch.tensor([[0., 0.], [9., 0.], [0., 9.], [9., 9.]]))
    for code in quantizer.embedding[:2].clone():
        out = quantizer(code.view(1, 2, 1, 1).expand(1, 2, 3, 3))
        assert out.stats['usage'].item() == 25 and out.stats['perplexity'].item() == 1
    assert quantizer.epoch_stats() == pytest.approx(dict(usage=50, perplexity=2))
    quantizer.eval()(torch.randn(1, 2, 3, 3))
    assert quantizer.epoch_stats()['usage'] == 50
    quantizer.reset_epoch_stats()
    assert quantizer.epoch_stats() == dict(usage=0, perplexity=0)
    assert 'epoch_counts' not in quantizer.state_dict()


@pytest.mark.parametrize('arguments, message', [
    (dict(codebook_size=2.5), 'codebook_size must be a whole number, got 2.5'),
    (dict(code_dim='4'), "code_dim must be a whole number, got '4'"),
    (dict(kmeans_iters=-1), 'kmeans_iters must be a whole number of at least 0, got -1'),
    (dict(kmeans_iters=1.5), 'kmeans_iters must be a whole number of at least 0, got 1.5'),
    (dict(eps=-1), 'eps must be positive, got -1'),
])
def test_impossible_values_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        EMAQuantizer(**dict(dict(codebook_size=8, code_dim=4), **arguments))
