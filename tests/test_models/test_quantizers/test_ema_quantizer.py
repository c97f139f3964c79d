import copy
import math

import pytest
import torch
import torch.nn.functional as F
from vector_quantize_pytorch import VectorQuantize

from peco.models.quantizers import CosineEMAQuantizer, EMAQuantizer
from peco.registry import MODELS

KINDS = [EMAQuantizer, CosineEMAQuantizer]


def _preset(kind=EMAQuantizer, codebook_size=32, code_dim=8, seed=0, **kwargs):
    torch.manual_seed(seed)
    quantizer = kind(codebook_size, code_dim, init='random', **kwargs)
    quantizer.set_codebook(torch.randn(codebook_size, code_dim))
    return quantizer


def _buffers(module):
    return {name: value.clone() for name, value in module.named_buffers()}


def _equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


# Parity with vector-quantize-pytorch


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('decay', [0.8, 0.99])
def test_parity_with_vector_quantize_pytorch(kind, decay):
    """ids, averaged counts and sums, codes, output and commitment loss over three updates.

    Not shared by design: the reference restarts dead codes after each step and with a count
    equal to its threshold; here restart is off in both.
    """
    ours = _preset(kind, decay=decay, restart_threshold=0)
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
    quantizer = _preset(kind, 5, 3, decay=0.7, eps=0.1, restart_threshold=0).double()
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


# Values, gradients, dtypes


def test_value_is_the_code_and_gradient_is_straight_through():
    quantizer = _preset()
    z = torch.randn(2, 8, 4, 3, requires_grad=True)
    codes = quantizer.embedding.clone()
    out = quantizer(z)
    assert torch.equal(out.quantized, codes[out.ids].permute(0, 3, 1, 2))
    grad = torch.randn_like(z)
    out.quantized.backward(grad)
    assert torch.equal(z.grad, grad)
    assert not list(quantizer.parameters())


def test_commitment_gradient_pulls_vectors_to_their_codes():
    quantizer = _preset()
    z = torch.randn(2, 8, 4, 3, requires_grad=True)
    out = quantizer(z)
    out.commitment_loss.backward()
    expected = 2 * (z - out.quantized).detach() / z.numel()
    torch.testing.assert_close(z.grad, expected)
    assert out.commitment_loss.item() == pytest.approx(
        F.mse_loss(out.quantized, z).item(), rel=1e-6)


def test_cosine_gradient_passes_through_the_normalisation():
    quantizer = _preset(CosineEMAQuantizer)
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
    plain, mixed = _preset(kind), _preset(kind)
    expected = plain(z.float())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = mixed(z)
        again = mixed.assign(z)
    assert out.quantized.dtype == dtype and out.commitment_loss.dtype == torch.float32
    assert torch.equal(out.ids, expected.ids)
    assert torch.equal(out.commitment_loss, expected.commitment_loss)
    assert torch.equal(again, plain.assign(z.float()))
    assert _equal(_buffers(plain), _buffers(mixed))


def test_float64_stays_float64():
    quantizer = _preset().double()
    out = quantizer(torch.randn(1, 8, 4, 4).double())
    assert out.quantized.dtype == out.commitment_loss.dtype == torch.float64
    assert quantizer.embedding.dtype == quantizer.cluster_size.dtype == torch.float64
    # A float64 input keeps its precision with fp32 codes too.
    assert _preset()(torch.randn(1, 8, 4, 4).double()).quantized.dtype == torch.float64


def test_any_memory_layout():
    z = torch.randn(2, 8, 4, 6)
    out = _preset()(z)
    other = _preset()(z.to(memory_format=torch.channels_last))
    assert torch.equal(out.ids, other.ids) and torch.equal(out.quantized, other.quantized)


# Modes


@pytest.mark.parametrize('kind', KINDS)
def test_eval_mode_is_inert(kind):
    quantizer = _preset(kind, restart_interval=1).eval()
    before = _buffers(quantizer)
    for _ in range(3):
        out = quantizer(torch.randn(2, 8, 4, 4))
        quantizer.assign(torch.randn(2, 8, 4, 4))
    assert _equal(before, _buffers(quantizer))
    assert out.stats['usage'] > 0
    quantizer.train()(torch.randn(2, 8, 4, 4))
    assert not _equal(before, _buffers(quantizer))


def test_assign_in_train_mode_changes_nothing():
    quantizer = _preset()
    before = _buffers(quantizer)
    z = torch.randn(2, 8, 4, 4)
    assert torch.equal(quantizer.assign(z), copy.deepcopy(quantizer).eval()(z).ids)
    assert _equal(before, _buffers(quantizer))


def test_freeze_outlives_train():
    quantizer = _preset().freeze()
    before = _buffers(quantizer)
    quantizer.train(True)
    quantizer(torch.randn(2, 8, 4, 4))
    assert not quantizer.training and _equal(before, _buffers(quantizer))


def test_lookup_inverts_assign():
    quantizer = _preset()
    ids = torch.randint(0, 32, (2, 3, 5))
    codes = quantizer.lookup(ids)
    assert codes.shape == (2, 8, 3, 5)
    assert torch.equal(quantizer.assign(codes), ids)


def test_epoch_stats_count_over_steps():
    quantizer = _preset(codebook_size=4, code_dim=2, decay=0.999, restart_threshold=0)
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


# Initialisation


@pytest.mark.parametrize('init', ['kmeans', 'data'])
def test_vectors_are_gathered_over_batches(init):
    torch.manual_seed(0)
    quantizer = EMAQuantizer(40, 4, init=init, init_vectors=40)
    for _ in range(2):
        z = torch.randn(1, 4, 4, 4, requires_grad=True)
        out = quantizer(z)
        assert torch.equal(out.quantized, z) and out.commitment_loss == 0 and not out.ids.any()
        assert not out.stats['initted'] and not quantizer.initialised
    out = quantizer(torch.randn(1, 4, 4, 4))
    assert out.stats['initted'] and quantizer.initialised and quantizer.initted
    assert len(quantizer.embedding.unique(dim=0)) == 40
    assert not quantizer._pending


def test_the_decoder_sees_the_scale_of_the_codes_from_the_first_step():
    quantizer = CosineEMAQuantizer(40, 4, init='data')
    z = (torch.randn(1, 4, 4, 4) * 9).requires_grad_()
    out = quantizer(z)
    assert not out.stats['initted']
    torch.testing.assert_close(out.quantized, F.normalize(z, dim=1))
    out.quantized.sum().backward()
    assert z.grad.abs().sum() > 0


def test_data_init_takes_vectors_of_the_data():
    torch.manual_seed(0)
    quantizer = EMAQuantizer(16, 4, init='data', decay=0.)
    z = torch.randn(1, 4, 4, 4)
    out = quantizer(z)
    # 16 distinct vectors for 16 codes: each is its own code.
    assert torch.equal(out.quantized, z)


def test_kmeans_init_beats_data_init():
    torch.manual_seed(0)
    centres = torch.randn(8, 4) * 10
    z = (centres[torch.arange(512) % 8] + torch.randn(512, 4)).T.reshape(1, 4, 16, 32)
    losses = {}
    for init in ('kmeans', 'data'):
        torch.manual_seed(1)
        losses[init] = EMAQuantizer(8, 4, init=init)(z).commitment_loss.item()
    assert losses['kmeans'] < losses['data']


def test_defaults_of_init_vectors():
    assert EMAQuantizer(10, 4).init_vectors == 40
    assert EMAQuantizer(10, 4, init='data').init_vectors == 10


def test_end_of_epoch_finishes_a_pending_initialisation():
    quantizer = EMAQuantizer(16, 4, init='kmeans', init_vectors=1000)
    quantizer(torch.randn(1, 4, 4, 5))
    assert not quantizer.initialised
    quantizer.check_initialised()
    assert quantizer.initialised
    quantizer.check_initialised()


def test_too_few_vectors_is_a_clear_error():
    quantizer = EMAQuantizer(64, 4)
    with pytest.raises(ValueError, match='codebook of 64 codes.*0 vectors'):
        quantizer.check_initialised()
    quantizer(torch.randn(1, 4, 3, 4))
    quantizer(torch.zeros(1, 4, 3, 4))
    with pytest.raises(ValueError, match='64 codes.*24 vectors.*13 are distinct.*codebook_size'):
        quantizer.check_initialised()


def test_a_flat_data_set_piles_up_no_vectors():
    quantizer = EMAQuantizer(8, 4, init='data')
    for _ in range(20):
        quantizer(torch.ones(1, 4, 4, 4))
    assert not quantizer.initialised
    assert sum(map(len, quantizer._pending)) <= 17
    quantizer(torch.randn(1, 4, 4, 4))
    assert quantizer.initialised


def test_uninitialised_codebook_refuses_use():
    quantizer = EMAQuantizer(8, 4)
    for use in (quantizer.assign, quantizer.eval().forward):
        with pytest.raises(RuntimeError, match='not initialised'):
            use(torch.randn(1, 4, 2, 2))
    with pytest.raises(RuntimeError, match='not initialised'):
        quantizer.lookup(torch.zeros(1, 2, 2, dtype=torch.long))


# Restart


def _with_dead_codes(kind, **kwargs):
    """Eight codes near the data and eight so far away that no vector finds them."""
    torch.manual_seed(0)
    quantizer = kind(16, 4, init='random', **kwargs)
    codes = torch.randn(16, 4)
    codes[:, 0] = codes[:, 0].abs() + 3
    codes[8:, 0] = -90
    quantizer.set_codebook(codes)
    return quantizer


def _data(seed):
    z = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
    z[:, 0] = z[:, 0].abs() + 3
    return z


def _distance_to_nearest(rows, others):
    return (rows[:, None] - others[None]).norm(dim=2).min(1).values


@pytest.mark.parametrize('kind', KINDS)
def test_dead_codes_move_to_vectors_of_the_batch_and_survive(kind):
    quantizer = _with_dead_codes(kind, decay=0.5, restart_threshold=0.05, restart_interval=10)
    for step in range(9):
        quantizer(_data(step))
    dead = quantizer.embedding[:, 0] < 0
    assert dead.sum() == 8
    z = _data(9)
    quantizer(z)
    moved = quantizer.embedding[dead]
    rows = quantizer._prepare(z.permute(0, 2, 3, 1).reshape(-1, 4))
    assert _distance_to_nearest(moved, rows).max() < 1e-6
    assert len(moved.unique(dim=0)) == 8
    # The averages agree with the new codes, so the next update does not pull them back.
    torch.testing.assert_close(quantizer.embed_sum[dead],
                               moved * quantizer.cluster_size[dead][:, None])
    for step in range(10, 19):
        quantizer(_data(step))
    assert (quantizer.embedding[:, 0] > 0).all()
    quantizer.reset_epoch_stats()
    for step in range(19, 22):
        quantizer(_data(step))
    assert quantizer.epoch_stats()['usage'] > 90


def test_restart_looks_only_at_intervals_and_can_be_off():
    for kwargs, steps in ((dict(restart_interval=5), 4),
                          (dict(restart_interval=1, restart_threshold=0), 30)):
        quantizer = _with_dead_codes(EMAQuantizer, decay=0.1, **kwargs)
        for step in range(steps):
            quantizer(_data(step))
        assert (quantizer.embedding[8:, 0] < 0).all()
    quantizer = _with_dead_codes(EMAQuantizer, decay=0.1, restart_interval=5)
    for step in range(5):
        quantizer(_data(step))
    assert (quantizer.embedding[:, 0] > 0).all()


def test_restart_with_fewer_vectors_than_dead_codes():
    quantizer = _with_dead_codes(EMAQuantizer, decay=0., restart_interval=1)
    z = _data(0)[:1, :, :1, :3]
    quantizer(z)
    assert quantizer.embedding.isfinite().all()
    # Three vectors serve at least 13 unused codes: three of them move, each to its own vector.
    at_data = _distance_to_nearest(quantizer.embedding, z[0, :, 0].T) < 1e-6
    assert len(quantizer.embedding[at_data].unique(dim=0)) <= 3
    assert (quantizer.cluster_size == 0).sum() >= 10


def test_restarts_are_counted_on_after_loading():
    first = _with_dead_codes(EMAQuantizer, decay=0.1, restart_interval=6)
    for step in range(4):
        first(_data(step))
    second = EMAQuantizer(16, 4, decay=0.1, restart_interval=6)
    second.load_state_dict(first.state_dict())
    for step in range(4, 6):
        assert (second.embedding[8:, 0] < 0).all()
        second(_data(step))
    assert (second.embedding[:, 0] > 0).all()


# State


@pytest.mark.parametrize('kind', KINDS)
def test_state_dict_round_trip(kind):
    trained = kind(16, 4, init='data')
    for step in range(3):
        trained(_data(step))
    fresh = kind(16, 4, init='kmeans')
    assert not fresh.initialised
    fresh.load_state_dict(trained.state_dict())
    assert fresh.initialised
    z = _data(5)
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
    state = {f'quantizer.{k}': v for k, v in _preset(EMAQuantizer, *size).state_dict().items()}
    model = torch.nn.Module()
    model.quantizer = EMAQuantizer(16, 4)
    with pytest.raises(ValueError) as error:
        model.load_state_dict(state, strict=strict)
    assert str(size) in str(error.value) and '(16, 4)' in str(error.value)
    assert f'codebook_size={size[0]}' in str(error.value)


# Refused input


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
        _preset()(z)


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_non_finite_vectors_do_not_reach_the_codebook(value):
    quantizer = _preset()
    before = _buffers(quantizer)
    z = torch.randn(2, 8, 4, 4)
    z[1, 3, 2, 1] = value
    with pytest.raises(ValueError, match='NaN or infinite.*diverged'):
        quantizer(z)
    assert _equal(before, _buffers(quantizer))


@pytest.mark.parametrize('ids', [[[[-1]]], [[[32]]]])
def test_ids_outside_the_codebook(ids):
    with pytest.raises(ValueError, match=r'ids lie in \[.*ids 0 to 31'):
        _preset().lookup(torch.tensor(ids))
    with pytest.raises(ValueError, match='integers of the shape'):
        _preset().lookup(torch.zeros(2, 3))


def test_built_by_name():
    quantizer = MODELS.build(dict(type='peco.CosineEMAQuantizer', codebook_size=8, code_dim=4))
    assert isinstance(quantizer, CosineEMAQuantizer)
