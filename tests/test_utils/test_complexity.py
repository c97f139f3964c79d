import torch
import torch.nn.functional as F
from torch import nn

from peco.utils.complexity import count_complexity


class Attention(nn.Module):
    """Fused attention and nothing else."""

    def forward(self, query, key):
        return F.scaled_dot_product_attention(query, key, key)


def test_linear_layer():
    costs = count_complexity(nn.Linear(4, 3), (torch.zeros(5, 4), ))
    assert (costs['flops'], costs['params']) == (5 * 4 * 3, 15)
    assert 'flops' in costs['table']


def test_fused_attention_is_counted():
    query, key = torch.zeros(1, 2, 5, 8), torch.zeros(1, 2, 7, 8)
    # 2 heads x 5 queries x 7 keys, 8 multiply-adds for the score and 8 for its use.
    assert count_complexity(Attention(), (query, key))['flops'] == 2 * 5 * 7 * 16
