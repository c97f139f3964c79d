import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from peco.models.quantizers.nearest_code import nearest_code


@pytest.mark.parametrize('chunks', [(1000, 1000), (7, 1000), (1000, 5), (7, 5), (1, 1)])
def test_chunks_do_not_change_the_result(chunks):
    torch.manual_seed(0)
    vectors, codes = torch.randn(40, 6).double(), torch.randn(33, 6).double()
    ids, scores = nearest_code(vectors, codes, *chunks)
    distances = torch.cdist(vectors, codes)
    assert torch.equal(ids, distances.argmin(1))
    squared = scores + vectors.square().sum(1)
    torch.testing.assert_close(squared, distances.min(1).values.square())


def test_the_lowest_of_equally_near_codes_wins_across_chunks():
    codes = torch.tensor([[5., 5.], [1., 0.], [0., 1.], [1., 0.], [0., 1.]])
    for chunk in (1, 2, 5):
        ids, _ = nearest_code(torch.tensor([[1., 0.], [0., 1.]]), codes, 2, chunk)
        assert ids.tolist() == [1, 2]


def test_inner_product_ignores_the_norm_of_codes():
    vectors, codes = torch.tensor([[1., 0.2]]), torch.tensor([[0., 3.], [9., 0.], [1., 0.]])
    assert nearest_code(vectors, codes)[0].item() == 2
    assert nearest_code(vectors, codes, squared_norms=False)[0].item() == 1


def test_no_vectors():
    ids, scores = nearest_code(torch.empty(0, 4), torch.randn(8, 4))
    assert ids.shape == scores.shape == (0, ) and ids.dtype == torch.long


class _LargestTensor(TorchDispatchMode):
    """Record the size of the largest tensor that any operation returns."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for item in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(item, torch.Tensor):
                self.largest = max(self.largest, item.numel())
        return out


def test_memory_is_bounded_for_the_largest_codebook():
    vectors, codes = torch.randn(300, 2), torch.randn(65536, 2)
    with _LargestTensor() as seen:
        nearest_code(vectors, codes, chunk_size=32, code_chunk_size=1024)
    # The codes themselves pass (transposed, squared); the 20 M distances never exist at once.
    assert seen.largest <= codes.numel()
