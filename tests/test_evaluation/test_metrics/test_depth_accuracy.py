"""DepthAccuracy: counts for each depth over batches."""

import pytest
import torch

from peco.registry import METRICS


def sample(predicted, label):
    return dict(depths=(3, 'last'), depth_labels=torch.tensor(predicted),
                gt_label=torch.tensor([label]))


def test_accuracy_of_each_depth():
    metric = METRICS.build(dict(type='peco.DepthAccuracy'))
    metric.process({}, [sample([0, 1], 0), sample([2, 2], 2), sample([1, 0], 1)])
    metric.process({}, [sample([1, 2], 2)])
    assert metric.evaluate(4) == pytest.approx(
        dict(top1_depth3=75., top1_depthlast=50., top1_best_depth=75.))


def test_missing_fields_are_named():
    metric = METRICS.build(dict(type='peco.DepthAccuracy'))
    with pytest.raises(KeyError, match='DepthAccuracy needs .depth_labels.'):
        metric.process({}, [dict(gt_label=torch.tensor([0]))])
