"""MultiDepthLinearHead and the metric that reads it."""

import pytest
import torch
from mmpretrain.structures import DataSample
from torch import nn

from peco.evaluation.metrics import DepthAccuracy
from peco.models.heads import MultiDepthLinearHead
from peco.registry import METRICS, MODELS


def samples(labels):
    return [DataSample().set_gt_label(int(label)) for label in labels]


def build(**kwargs):
    kwargs = {'num_classes': 3, 'in_channels': 4, 'num_depths': 2, 'depths': (2, 5),
              **kwargs}
    return MODELS.build(dict(type='peco.MultiDepthLinearHead', **kwargs))


def test_each_depth_has_its_own_loss():
    head = build(cal_acc=True)
    feats, labels = (torch.randn(6, 4), torch.randn(6, 4)), torch.arange(6) % 3
    losses = head.loss(feats, samples(labels))
    assert set(losses) == {'loss_depth2', 'loss_depth5', 'acc_depth2', 'acc_depth5'}
    normed = nn.functional.batch_norm(feats[1], None, None, training=True)
    wanted = nn.functional.cross_entropy(head.probes[1][1](normed), labels)
    torch.testing.assert_close(losses['loss_depth5'], wanted)
    losses['loss_depth5'].backward()
    assert head.probes[0][1].weight.grad is None and head.probes[1][1].weight.grad is not None


def test_no_gradient_reaches_the_backbone():
    feats = tuple(torch.randn(6, 4, requires_grad=True) for _ in range(2))
    losses = build().loss(feats, samples(range(3)) * 2)
    sum(losses.values()).backward()
    assert all(feat.grad is None for feat in feats)


def test_batch_norm_has_no_affine():
    names = {name for name, _ in build().named_parameters()}
    assert names == {f'probes.{i}.1.{kind}' for i in (0, 1) for kind in ('weight', 'bias')}


def test_soft_labels():
    head = build()
    mixed = [DataSample().set_gt_score(torch.tensor([0.5, 0.5, 0.])) for _ in range(4)]
    head.loss_module = MODELS.build(dict(type='mmpretrain.CrossEntropyLoss', use_soft=True))
    assert head.loss((torch.randn(4, 4), ) * 2, mixed)['loss_depth2'].isfinite()


def test_maps_and_tokens_are_pooled():
    head = build(num_extra_tokens=1).eval()
    tokens = torch.randn(2, 10, 4)
    maps = tokens[:, 1:].transpose(1, 2).unflatten(2, (3, 3))
    for first, second in zip(head((tokens, maps)), head((maps, tokens[:, 1:].mean(1))),
                             strict=True):
        torch.testing.assert_close(first, second)


def test_predict_and_metric():
    head = build(init_cfg=None).eval()
    for probe, sign in zip(head.probes, (1, -1), strict=True):
        nn.init.zeros_(probe[1].bias)
        with torch.no_grad():
            probe[1].weight.copy_(sign * torch.eye(3, 4))
    feats = torch.tensor([[3., 1., 2., 0.], [1., 3., 2., 0.], [3., 1., 2., 0.]])
    predicted = head.predict((feats, feats), samples([0, 2, 0]))
    assert [s.depth_labels.tolist() for s in predicted] == [[0, 1], [1, 0], [0, 1]]
    assert [s.pred_label.item() for s in predicted] == [1, 0, 1]  # of the last depth

    metric = METRICS.build(dict(type='peco.DepthAccuracy'))
    metric.process({}, [sample.to_dict() for sample in predicted])
    scores = metric.evaluate(3)
    assert isinstance(metric, DepthAccuracy)
    assert scores == pytest.approx(
        {'top1_depth2': 200 / 3, 'top1_depth5': 0., 'top1_best_depth': 200 / 3})


def test_a_probe_learns():
    torch.manual_seed(0)
    head = build(num_depths=1, depths=None).train()
    labels = torch.arange(60) % 3
    feats = torch.randn(60, 4) * 0.3 + 50 + nn.functional.one_hot(labels, 4) * 2
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.1)
    for _ in range(100):  # also long enough for the running statistics
        optimizer.zero_grad()
        head.loss((feats, ), samples(labels))['loss_depth1'].backward()
        optimizer.step()
    predicted = head.eval().predict((feats, ), samples(labels))
    accuracy = sum(s.pred_label.item() == s.gt_label.item() for s in predicted) / 60
    assert accuracy > 0.95


def test_errors():
    with pytest.raises(ValueError, match=r'returns 1 outputs, the head has 2 depths \(2, 5\)'):
        build()((torch.randn(2, 4), ))
    for kwargs in (dict(num_depths=0), dict(depths=(1, 1)), dict(depths=(1, 2, 3)),
                   dict(num_classes=0)):
        with pytest.raises(ValueError, match='distinct depths'):
            MultiDepthLinearHead(**{
                'num_classes': 3, 'in_channels': 4, 'num_depths': 2, **kwargs})


def test_depths_are_block_numbers_by_default():
    assert build(num_depths=3, depths=None).depths == (1, 2, 3)
