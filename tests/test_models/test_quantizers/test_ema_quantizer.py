import copy
import math

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

from peco.models.quantizers import CosineEMAQuantizer, EMAQuantizer
from peco.registry import MODELS
from tests.test_models.test_quantizers.quantizers import (
    KINDS,
    buffers,
    data_near_codes,
    equal,
    preset,
)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('decay', [0.8, 0.99])
def test_parity_with_vector_quantize_pytorch(kind, decay):
    """ids, averaged counts and sums, codes, output and commitment loss over three updates.

    Not shared by design: the reference restarts dead codes after each step and with a count
    equal to its threshold; here restart is off in both.
    """
    ours = preset(kind, decay=decay, restart_threshold=0)
    reference = VectorQuantize(
        dim=8, codebook_size=32, decay=decay, eps=1e-5, use_cosine_sim=kind is CosineEMAQuantizer,
        accept_image_fmap=True, rotation_trick=False, threshold_ema_dead_code=0)
    book = reference._codebook
    book.embed.copy_(ours.embedding[None])
    book.embed_avg.copy_(ours.embedding[None])
    for step in range(3):
        z = torch.randn(3, 8, 5, 4, generator=torch.Generator().manual_seed(step)) * 2
        expected, expected_ids, expected_loss = reference(z)
        out = ours(z)
        assert torch.equal(out.ids, expected_ids)
        torch.testing.assert_close(out.quantized, expected, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(out.commitment_loss, expected_loss.squeeze(), atol=1e-6,
                                   rtol=1e-5)
        torch.testing.assert_close(ours.cluster_size, book.cluster_size[0], atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(ours.embed_sum, book.embed_avg[0], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(ours.embedding, book.embed[0], atol=1e-6, rtol=1e-5)
    assert not torch.equal(ours.cluster_size, torch.ones(32))


@pytest.mark.parametrize('kind', KINDS)
def test_update_follows_the_formula(kind):
    """The same by the definition, one vector at a time, in float64."""
    quantizer = preset(kind, 5, 3, decay=0.7, eps=0.1, restart_threshold=0).double()
    z = torch.randn(2, 3, 2, 2).double()
    rows = z.permute(0, 2, 3, 1).reshape(-1, 3)
    if kind is CosineEMAQuantizer:
        rows = rows / rows.norm(dim=1, keepdim=True)
    counts, sums = quantizer.cluster_size.clone(), quantizer.embed_sum.clone()
    codes = quantizer.embedding.clone()
    ids = torch.stack([(codes - row).norm(dim=1).argmin() for row in rows])
    for k in range(5):
        members = rows[ids == k]
        counts[k] = 0.7 * counts[k] + 0.3 * len(members)
        sums[k] = 0.7 * sums[k] + 0.3 * members.sum(0)
    smoothed = (counts + 0.1) / (counts.sum() + 5 * 0.1) * counts.sum()
    codes = sums / smoothed[:, None]
    if kind is CosineEMAQuantizer:
        codes = codes / codes.norm(dim=1, keepdim=True)
    out = quantizer(z)
    assert torch.equal(out.ids.flatten(), ids)
    torch.testing.assert_close(quantizer.embedding, codes)


@pytest.mark.parametrize('kind', KINDS)
def test_state_dict_round_trip(kind):
    trained = kind(16, 4, init='data')
    for step in range(3):
        trained(data_near_codes(step))
    fresh = kind(16, 4, init='kmeans')
    assert not fresh.initialised
    fresh.load_state_dict(trained.state_dict())
    assert fresh.initialised
    z = data_near_codes(5)
    assert torch.equal(fresh.eval()(z).ids, trained.eval()(z).ids)
    trained.train()(z), fresh.train()(z)
    assert torch.equal(fresh.embedding, trained.embedding)


def test_deepcopy_and_half_gathered_state():
    quantizer = EMAQuantizer(64, 4, init='data')
    quantizer(torch.randn(1, 4, 4, 4))
    other = copy.deepcopy(quantizer)
    other(torch.randn(1, 4, 8, 8))
    assert other.initialised and not quantizer.initialised
    fresh = EMAQuantizer(64, 4)
    fresh.load_state_dict(quantizer.state_dict())
    assert not fresh.initialised


@pytest.mark.parametrize('size', [(32, 4), (16, 8)])
@pytest.mark.parametrize('strict', [True, False])
def test_another_codebook_is_refused_with_both_shapes(size, strict):
    state = {f'quantizer.{k}': v for k, v in preset(EMAQuantizer, *size).state_dict().items()}
    model = torch.nn.Module()
    model.quantizer = EMAQuantizer(16, 4)
    with pytest.raises(ValueError) as error:
        model.load_state_dict(state, strict=strict)
    assert str(size) in str(error.value) and '(16, 4)' in str(error.value)
    assert f'codebook_size={size[0]}' in str(error.value)


@pytest.mark.parametrize('kwargs, message', [
    (dict(init='zeros'), "init must be one of .*'zeros'"),
    (dict(init_vectors=7), 'init_vectors=7 is less than codebook_size=8'),
    (dict(decay=1.), r'decay must lie in \[0, 1\), got 1.0'),
    (dict(restart_threshold=2), 'restart_threshold .* got 2'),
    (dict(restart_interval=0), 'restart_interval must be at least 1, got 0'),
    (dict(codebook_size=0), 'codebook_size must be at least 1, got 0'),
])
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        EMAQuantizer(**{**dict(codebook_size=8, code_dim=4), **kwargs})


@pytest.mark.parametrize('z', [
    torch.randn(2, 7, 4, 4),
    torch.randn(2, 8, 4),
    torch.ones(2, 8, 4, 4, dtype=torch.long),
])
def test_bad_shape_or_dtype(z):
    with pytest.raises(ValueError, match=r'expects floating-point vectors of the shape \(B, 8'):
        preset()(z)


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_non_finite_vectors_do_not_reach_the_codebook(value):
    quantizer = preset()
    before = buffers(quantizer)
    z = torch.randn(2, 8, 4, 4)
    z[1, 3, 2, 1] = value
    with pytest.raises(ValueError, match='NaN or infinite.*diverged'):
        quantizer(z)
    assert equal(before, buffers(quantizer))


@pytest.mark.parametrize('ids', [[[[-1]]], [[[32]]]])
def test_ids_outside_the_codebook(ids):
    with pytest.raises(ValueError, match=r'ids lie in \[.*ids 0 to 31'):
        preset().lookup(torch.tensor(ids))
    with pytest.raises(ValueError, match='integers of the shape'):
        preset().lookup(torch.zeros(2, 3))


def test_built_by_name():
    quantizer = MODELS.build(dict(type='peco.CosineEMAQuantizer', codebook_size=8, code_dim=4))
    assert isinstance(quantizer, CosineEMAQuantizer)
