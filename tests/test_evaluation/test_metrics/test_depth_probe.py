import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from peco.evaluation.metrics import DepthProbe
from peco.registry import MODELS


def samples(count=60):
    """Depth 1 holds nothing of the class, depth 2 does; they differ in width."""
    rng = np.random.default_rng(0)
    for i in range(count):
        label = i % 3
        second = rng.normal(0, 0.3, 6)
        second[label] += 1
        yield dict(split_role='bank' if i < 2 * count // 3 else 'query',
                   gt_label=torch.tensor([label]),
                   depth_features=[torch.from_numpy(rng.normal(0, 1, 4)),
                                   torch.from_numpy(second)])


def test_each_depth_is_classified_by_itself():
    metric = DepthProbe(k=5)
    metric.process(None, list(samples()))
    scores = metric.evaluate(60)
    for kind in ('knn', 'linear'):
        assert scores[f'{kind}_top1_depth1'] < 65 and scores[f'{kind}_top1_depth2'] > 80
        assert scores[f'{kind}_top1_best_depth'] == scores[f'{kind}_top1_depth2']


def test_a_missing_field_is_named():
    sample = next(samples())
    del sample['depth_features']
    with pytest.raises(KeyError, match="DepthProbe needs 'depth_features'"):
        DepthProbe().process(None, [sample])


def test_an_extractor_gives_every_depth():
    model = MODELS.build(dict(
        type='peco.FeatureExtractor', every_depth=True,
        backbone=dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=4,
                      out_indices=(0, 1, 2, 3)))).eval()
    images = torch.rand(2, 3, 32, 32)
    found = model(images, [DataSample(), DataSample()], mode='predict')
    assert [len(vector) for vector in found[0].depth_features] == [4, 8, 16, 32]
    assert torch.equal(found[1].depth_features[-1], found[1].feature)
    maps = model.backbone(images)
    assert torch.equal(found[1].depth_features[1], maps[1][1].mean((1, 2)))
