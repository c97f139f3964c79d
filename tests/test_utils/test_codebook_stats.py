import math

import pytest
import torch

from peco.utils.codebook_stats import count_codes, usage_and_perplexity


def test_counts_are_those_of_bincount():
    torch.manual_seed(0)
    ids = torch.randint(0, 50, (3, 7, 5))
    counts = count_codes(ids, 64)
    assert counts.dtype == torch.long
    assert torch.equal(counts, torch.bincount(ids.flatten(), minlength=64))


@pytest.mark.parametrize('counts, usage, perplexity', [
    ([5, 5, 5, 5], 100., 4.),
    ([9, 0, 0, 0], 25., 1.),
    ([0, 0, 0, 0], 0., 0.),
    ([1, 3, 0, 0], 50., math.exp(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))),
])
def test_usage_and_perplexity(counts, usage, perplexity):
    stats = usage_and_perplexity(torch.tensor(counts))
    assert stats['usage'].item() == pytest.approx(usage)
    assert stats['perplexity'].item() == pytest.approx(perplexity, rel=1e-6)
