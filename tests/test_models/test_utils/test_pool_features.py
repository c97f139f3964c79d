"""Pooling of whatever a backbone returns."""

import pytest
import torch
from mmpretrain.structures import DataSample

from peco.models.utils.pool_features import attach_features, pool_features


def test_every_form():
    vector, grid, tokens = torch.randn(2, 5), torch.randn(2, 5, 3, 4), torch.randn(2, 13, 5)
    assert pool_features(vector) is vector
    torch.testing.assert_close(pool_features(grid), grid.flatten(2).mean(-1))
    torch.testing.assert_close(pool_features(tokens), tokens.mean(1))
    torch.testing.assert_close(pool_features(tokens, num_extra_tokens=1), tokens[:, 1:].mean(1))
    assert torch.equal(pool_features(tokens, 'cls', 1), tokens[:, 0])
    # A tuple holds depths, the last counts; a list of two is [patches, class token].
    assert torch.equal(pool_features((grid, vector)), vector)
    torch.testing.assert_close(pool_features(([grid, vector], )), grid.flatten(2).mean(-1))
    assert torch.equal(pool_features(([grid, vector], ), 'cls'), vector)
    torch.testing.assert_close(pool_features([tokens, vector]), tokens.mean(1))


def test_errors():
    with pytest.raises(ValueError, match="got 'max'"):
        pool_features(torch.zeros(2, 5), 'max')
    for output in (torch.zeros(2, 5, 3, 3), torch.zeros(2, 4, 5), torch.zeros(2)):
        with pytest.raises(ValueError, match='cannot pool'):
            pool_features(output, 'cls')


def test_attach():
    feats = torch.randn(2, 3, dtype=torch.bfloat16)
    given = [DataSample().set_gt_label(1), DataSample()]
    out = attach_features(feats, given)
    assert out[0] is given[0] and out[0].feature.dtype == torch.float32
    assert torch.equal(attach_features(feats, None)[1].feature, feats[1].float())
