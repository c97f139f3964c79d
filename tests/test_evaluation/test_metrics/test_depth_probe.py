import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from peco.evaluation.functional import weighted_knn
from peco.evaluation.metrics import DepthProbe
from peco.registry import MODELS


def samples(count=60, told_by=2):
    """Three depths of other widths, of which one tells the class."""
    rng = np.random.default_rng(0)
    for i in range(count):
        label = i % 3
        depths = [rng.normal(0, 1, width) for width in (4, 6, 5)]
        depths[told_by - 1] *= 0.3
        depths[told_by - 1][label] += 1
        yield dict(split_role='bank' if i < 2 * count // 3 else 'query',
                   gt_label=torch.tensor([label]),
                   depth_features=[torch.from_numpy(depth) for depth in depths])


@pytest.mark.parametrize('depth', [1, 2, 3])
def test_each_depth_is_classified_by_itself(depth):
    metric = DepthProbe(k=5)
    metric.process(None, list(samples(150, told_by=depth)))
    scores = metric.evaluate(150)
    for kind in ('knn', 'linear'):
        assert scores[f'{kind}_top1_depth{depth}'] > 80
        assert all(scores[f'{kind}_top1_depth{other}'] < 65
                   for other in (1, 2, 3) if other != depth)
        assert scores[f'{kind}_top1_best_depth'] == scores[f'{kind}_top1_depth{depth}']


def test_the_score_of_a_depth_is_that_of_its_vectors_alone():
    metric = DepthProbe(k=5)
    given = list(samples())
    metric.process(None, given)
    scores = metric.evaluate(60)
    labels = torch.cat([sample['gt_label'] for sample in given])
    for depth in range(3):
        vectors = torch.stack([sample['depth_features'][depth] for sample in given]).float()
        found = weighted_knn(vectors[:40], labels[:40], vectors[40:], 5)
        assert scores[f'knn_top1_depth{depth + 1}'] == pytest.approx(
            (found == labels[40:]).double().mean().item() * 100)


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
