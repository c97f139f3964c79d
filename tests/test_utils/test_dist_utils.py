import pytest
import torch
import torch.distributed as dist

from tests.dist_utils import run_distributed


def _sum_of_ranks(offset):
    value = torch.tensor([dist.get_rank() + offset])
    dist.all_reduce(value)
    return dist.get_rank(), value.item()


def _second_rank_fails():
    if dist.get_rank() == 1:
        raise ValueError('a fault on rank one')
    dist.barrier()


def test_results_come_back_in_the_order_of_the_ranks():
    assert run_distributed(_sum_of_ranks, 2, 10) == [(0, 21), (1, 21)]


def test_a_fault_on_one_rank_is_reported():
    with pytest.raises(RuntimeError, match='a fault on rank one'):
        run_distributed(_second_rank_fails, 2)
