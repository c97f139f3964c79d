import pytest
import torch
import torch.distributed as dist

from peco.models.quantizers import CosineEMAQuantizer, EMAQuantizer
from peco.models.quantizers.kmeans import kmeans
from peco.models.quantizers.nearest_code import nearest_code
from tests.dist_utils import run_distributed

KINDS = dict(l2=EMAQuantizer, cosine=CosineEMAQuantizer)


def _batch(step, size=8):
    generator = torch.Generator().manual_seed(100 + step)
    return torch.randn(size, 4, 4, 4, generator=generator, dtype=torch.float64)


def _state(quantizer):
    return {name: value.clone().numpy() for name, value in quantizer.state_dict().items()}


def _train(kind, init, steps, uneven=False, **kwargs):
    """Train on this rank's share of each batch; returns what was seen after each step."""
    rank = dist.get_rank() if dist.is_initialized() else 0
    world = dist.get_world_size() if dist.is_initialized() else 1
    torch.manual_seed(rank)
    quantizer = KINDS[kind](24, 4, init=init, **kwargs).double()
    moved = _spy_on_restart(quantizer)
    seen = []
    for step in range(steps):
        batch = _batch(step)
        if uneven:
            share = batch[:3] if rank == 0 else batch[3:]
        else:
            share = batch.chunk(world)[rank]
        if step > 3:
            share = share * 0.01 + 3  # most codes die
        out = quantizer(share)
        seen.append((_state(quantizer), {k: v.item() for k, v in out.stats.items()}))
    return seen, quantizer.epoch_stats(), moved


def _spy_on_restart(quantizer):
    moved, restart = [], quantizer._restart_dead_codes

    def spy(rows):
        before = quantizer.embedding.clone()
        restart(rows)
        moved.append(int((before != quantizer.embedding).any(1).sum()))

    quantizer._restart_dead_codes = spy
    return moved


def _uneven_runs():
    return {(kind, init): _train(kind, init, 9, uneven=True, init_vectors=200, kmeans_iters=3,
                                 decay=0.4, restart_threshold=0.3, restart_interval=3)
            for kind, init in (('l2', 'kmeans'), ('l2', 'random'), ('cosine', 'kmeans'),
                               ('cosine', 'data'))}


def _exact_runs():
    return {(kind, init): _train(kind, init, 4, decay=0.9, restart_threshold=0, kmeans_iters=3,
                                 init_vectors=200)
            for kind in KINDS for init in ('data', 'random', 'kmeans')}


def _too_few_vectors():
    quantizer = EMAQuantizer(64, 4, init='data')
    quantizer(torch.randn(1, 4, 4, 4 if dist.get_rank() == 0 else 3))
    try:
        quantizer.check_initialised()
    except ValueError as error:
        return str(error)


def _enough_only_together():
    quantizer = EMAQuantizer(64, 4, init='kmeans', init_vectors=1000)
    quantizer(torch.randn(1, 4, 4, 10))
    quantizer.check_initialised()
    return quantizer.embedding.sum().item()


def _supplied_only_together(codes):
    """The error of ``check_supply``, if any; each rank alone gives 16 vectors a step."""
    quantizer = EMAQuantizer(codes, 4, init='data', init_vectors=1000)
    quantizer(torch.randn(1, 4, 4, 4))
    try:
        quantizer.check_supply(steps=2)
    except ValueError as error:
        return str(error)
    return None


def _far_centres():
    """k-means of which five first centres have no members."""
    rank = dist.get_rank() if dist.is_initialized() else 0
    world = dist.get_world_size() if dist.is_initialized() else 1
    vectors = torch.randn(40, 3, generator=torch.Generator().manual_seed(5)).double()
    centres = torch.cat([vectors[:2], torch.arange(15.).view(5, 3).double() + 90])
    found, counts = kmeans(vectors.chunk(world)[rank], centres, 6, nearest_code, lambda rows: rows)
    return found.numpy(), counts.numpy()


def _all_runs():
    return dict(uneven=_uneven_runs(), exact=_exact_runs(), too_few=_too_few_vectors(),
                enough=_enough_only_together(), far=_far_centres(),
                supply=[_supplied_only_together(codes) for codes in (64, 65)])


@pytest.fixture(scope='module')
def ranks():
    """One launch for all tests: the start of two processes costs more than the runs."""
    return run_distributed(_all_runs, 2)


def test_ranks_hold_the_same_codebook_through_init_updates_and_restarts(ranks):
    """Each rank has its own random state, and shares of another size."""
    first, second = (rank['uneven'] for rank in ranks)
    for case, (seen, epoch_stats, moved) in first.items():
        other_seen, other_epoch_stats, other_moved = second[case]
        for (state, stats), (other, other_stats) in zip(seen, other_seen, strict=True):
            assert state.keys() == other.keys()
            for name in state:
                assert (state[name] == other[name]).all(), (case, name)
            assert stats == other_stats
        assert epoch_stats == other_epoch_stats and epoch_stats['usage'] > 0
        # A restart moved codes, and vectors were gathered over more than one batch.
        assert moved == other_moved and max(moved) > 1, case
        assert seen[0][0]['initted'] == (case[1] == 'random')
        assert seen[1][0]['initted']


def test_two_ranks_equal_one_rank_with_twice_the_batch(ranks):
    """Float64 and no restart; k-means included, as seeds come from the set of all vectors."""
    single = _exact_runs()
    for rank in ranks:
        for case, (seen, epoch_stats, _) in rank['exact'].items():
            expected_seen, expected_epoch_stats, _ = single[case]
            assert epoch_stats == expected_epoch_stats
            for (state, stats), (expected, expected_stats) in zip(seen, expected_seen,
                                                                  strict=True):
                assert stats == expected_stats
                for name in state:
                    difference = state[name].astype('float64') - expected[name]
                    assert abs(difference).max() < 1e-9, (case, name)


def test_vectors_are_counted_over_ranks(ranks):
    first, second = ranks
    assert first['too_few'] == second['too_few'] and '28 vectors' in first['too_few']
    assert first['enough'] == second['enough']


def test_supply_is_that_of_all_ranks(ranks):
    for rank in ranks:
        enough, too_few = rank['supply']
        assert enough is None and '64 vectors (2 steps of 32)' in too_few


def test_centres_without_members_move_alike_on_every_rank(ranks):
    expected, expected_counts = _far_centres()
    assert (expected < 50).all()  # all have moved to vectors
    for rank in ranks:
        centres, counts = rank['far']
        assert abs(centres - expected).max() < 1e-12 and (counts == expected_counts).all()
