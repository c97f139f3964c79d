import math

import pytest
import torch

from peco.evaluation.functional import codebook_statistics


@pytest.mark.parametrize('counts, usage, perplexity', [
    ([5, 5, 5, 5], 100., 4.),
    ([7, 0, 0, 0], 25., 1.),
    ([1, 1, 0, 0], 50., 2.),
    ([1, 3], 100., math.exp(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))),
])
def test_by_hand(counts, usage, perplexity):
    assert codebook_statistics(torch.tensor(counts)) == pytest.approx((usage, perplexity))


def test_no_codes_at_all_are_refused():
    with pytest.raises(ValueError, match='without any code'):
        codebook_statistics(torch.zeros(4))
