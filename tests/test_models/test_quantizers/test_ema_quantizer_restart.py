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
    quantizer(z)
    assert quantizer.embedding.isfinite().all()
    # Three vectors serve at least 13 unused codes: three of them move, each to its own vector.
    at_data = _distance_to_nearest(quantizer.embedding, z[0, :, 0].T) < 1e-6
    assert len(quantizer.embedding[at_data].unique(dim=0)) <= 3
    assert (quantizer.cluster_size == 0).sum() >= 10


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
