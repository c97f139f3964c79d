import pytest
import torch

from peco.models.quantizers import EMAQuantizer
from tests.test_models.test_quantizers.quantizers import KINDS, data_near_codes, with_dead_codes


def _distance_to_nearest(rows, others):
    return (rows[:, None] - others[None]).norm(dim=2).min(1).values


@pytest.mark.parametrize('kind', KINDS)
def test_dead_codes_move_to_vectors_of_the_batch_and_survive(kind):
    quantizer = with_dead_codes(kind, decay=0.5, restart_threshold=0.05, restart_interval=10)
    for step in range(9):
        quantizer(data_near_codes(step))
    dead = quantizer.embedding[:, 0] < 0
    assert dead.sum() == 8
    z = data_near_codes(9)
    quantizer(z)
    moved = quantizer.embedding[dead]
    rows = quantizer._prepare(z.permute(0, 2, 3, 1).reshape(-1, 4))
    assert _distance_to_nearest(moved, rows).max() < 1e-6
    assert len(moved.unique(dim=0)) == 8
    # The averages agree with the new codes, so the next update does not pull them back.
    torch.testing.assert_close(quantizer.embed_sum[dead],
                               moved * quantizer.cluster_size[dead][:, None])
    for step in range(10, 19):
        quantizer(data_near_codes(step))
    assert (quantizer.embedding[:, 0] > 0).all()
    quantizer.reset_epoch_stats()
    for step in range(19, 22):
        quantizer(data_near_codes(step))
    assert quantizer.epoch_stats()['usage'] > 90


def test_restart_looks_only_at_intervals_and_can_be_off():
    for kwargs, steps in ((dict(restart_interval=5), 4),
                          (dict(restart_interval=1, restart_threshold=0), 30)):
        quantizer = with_dead_codes(EMAQuantizer, decay=0.1, **kwargs)
        for step in range(steps):
            quantizer(data_near_codes(step))
        assert (quantizer.embedding[8:, 0] < 0).all()
    quantizer = with_dead_codes(EMAQuantizer, decay=0.1, restart_interval=5)
    for step in range(5):
        quantizer(data_near_codes(step))
    assert (quantizer.embedding[:, 0] > 0).all()


def test_restart_with_fewer_vectors_than_dead_codes():
    quantizer = with_dead_codes(EMAQuantizer, decay=0., restart_interval=1)
    z = data_near_codes(0)[:1, :, :1, :3]
    ids = quantizer.assign(z)
    unused = torch.bincount(ids.flatten(), minlength=16) == 0
    quantizer(z)
    assert quantizer.embedding.isfinite().all()
    # Three vectors serve at least 13 unused codes: three of them move, each to its own vector.
    at_data = _distance_to_nearest(quantizer.embedding, z[0, :, 0].T) < 1e-6
    assert len(quantizer.embedding[at_data & unused].unique(dim=0)) == (at_data & unused).sum() == 3
    assert (quantizer.cluster_size == 0).sum() >= 10


def test_a_moved_code_lives_as_long_as_the_mean_one():
    """It gets the mean count, which is the number of vectors by codes, not one."""
    quantizer = with_dead_codes(EMAQuantizer, decay=0.5, restart_threshold=0.05,
                                restart_interval=10)
    for step in range(9):
        quantizer(data_near_codes(step))
    dead, counts = quantizer.embedding[:, 0] < 0, quantizer.cluster_size.clone()
    z = data_near_codes(9)
    used = torch.bincount(quantizer.assign(z).flatten(), minlength=16)
    quantizer(z)
    mean = (0.5 * counts + 0.5 * used).mean()
    assert mean > 10
    torch.testing.assert_close(quantizer.cluster_size[dead], mean.expand(8))


def test_what_is_dead_does_not_hang_on_the_size_of_the_batch():
    """A code of 1 % of the vectors lives with a threshold of 0.1, and dies with one of 0.3."""
    def moved(repeats, threshold):
        quantizer = EMAQuantizer(16, 4, init='random', decay=0., restart_interval=1,
                                 restart_threshold=threshold)
        codes = 10 * torch.eye(4).repeat(4, 1) * torch.arange(1, 17)[:, None]
        quantizer.set_codebook(codes)
        shares = torch.tensor([1, *[5] * 9, *[9] * 6])  # per cent
        rows = codes.repeat_interleave(shares * repeats, dim=0)
        quantizer(rows.T.reshape(1, 4, 10, -1))
        return (quantizer.cluster_size[0] > 1.5 * repeats).item()

    assert [moved(repeats, 0.1) for repeats in (1, 8)] == [False, False]
    assert [moved(repeats, 0.3) for repeats in (1, 8)] == [True, True]


def test_restarts_are_counted_on_after_loading():
    first = with_dead_codes(EMAQuantizer, decay=0.1, restart_interval=6)
    for step in range(4):
        first(data_near_codes(step))
    second = EMAQuantizer(16, 4, decay=0.1, restart_interval=6)
    second.load_state_dict(first.state_dict())
    for step in range(4, 6):
        assert (second.embedding[8:, 0] < 0).all()
        second(data_near_codes(step))
    assert (second.embedding[:, 0] > 0).all()


def test_the_vectors_that_dead_codes_move_to_come_from_the_whole_batch():
    hits = torch.zeros(256)
    first = set()
    for seed in range(50):
        quantizer = with_dead_codes(EMAQuantizer, restart_interval=1, restart_threshold=0.5,
                                    decay=0.)
        dead = quantizer.embedding[:, 0] < 0
        # Each vector tells by its last channel where it stands.
        z = data_near_codes(0)
        z[:, -1] = torch.arange(256.).view(4, 8, 8) * 1e-4
        torch.manual_seed(seed)
        quantizer(z)
        places = (quantizer.embedding[dead][:, -1] * 1e4).round().long()
        hits[places] += 1
        first.add(tuple(places.tolist()))
    # 400 draws: 100 expected in each quarter of the batch, with a deviation of about 9.
    assert hits.view(4, 64).sum(1).min() > 60 and len(first) == 50
