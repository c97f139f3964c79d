import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

import peco.evaluation  # noqa: F401
from peco.evaluation.functional import embedding_probe, weighted_knn
from peco.evaluation.metrics import DepthProbe, KNNMetric, TokenEmbeddingProbe, TokenProbe

NUMBER = 61


def _samples():
    """Three classes that differ in their features and in their commonest code."""
    rng = np.random.default_rng(0)
    samples = []
    for i in range(NUMBER):
        label = int(rng.integers(3))
        feature = rng.normal(0, 1, 6)
        feature[label] += 2
        ids = np.where(rng.random((4, 4)) < 0.6, label, rng.integers(0, 8, (4, 4)))
        sample = DataSample(metainfo=dict(split_role='bank' if i < 40 else 'query'))
        sample.set_gt_label(label)
        sample.feature = torch.from_numpy(feature).float()
        sample.token_ids = torch.from_numpy(ids)
        samples.append(sample)
    return samples


METRICS = [dict(type='peco.KNNMetric', k=7), dict(type='peco.TokenProbe', codebook_size=8)]


def _evaluate(samples):
    evaluator = Evaluator(METRICS)
    for start in range(0, len(samples), 8):
        evaluator.process(data_samples=samples[start:start + 8])
    return evaluator.evaluate(len(samples))


def test_values_on_one_rank():
    samples = _samples()
    scores = _evaluate(samples)
    features = torch.stack([s.feature for s in samples])
    labels = torch.cat([s.gt_label for s in samples])
    expected = weighted_knn(features[:40], labels[:40], features[40:], 7)
    assert scores['knn_top1'] == pytest.approx(
        (expected == labels[40:]).double().mean().item() * 100)
    assert scores['token_probe_top1'] > 85
    assert set(scores) == {'knn_top1', 'token_probe_top1'}


@pytest.mark.parametrize('role, missing', [('bank', 'query'), ('query', 'bank')])
@pytest.mark.parametrize('metric_class', [KNNMetric, TokenProbe])
def test_an_empty_split_is_named(metric_class, role, missing):
    metric = metric_class()
    samples = [s.to_dict() for s in _samples() if s.split_role == role]
    metric.process(None, samples)
    with pytest.raises(ValueError, match=f"no sample with split_role='{missing}'"):
        metric.evaluate(len(samples))


@pytest.mark.parametrize('metric, field', [(KNNMetric(), 'feature'), (TokenProbe(), 'token_ids'),
                                           (KNNMetric(), 'gt_label'),
                                           (KNNMetric(), 'split_role')])
def test_a_missing_field_is_named(metric, field):
    sample = _samples()[0].to_dict()
    del sample[field]
    with pytest.raises(KeyError, match=f"{type(metric).__name__} needs '{field}'"):
        metric.process(None, [sample])


def test_several_labels_and_unknown_roles_are_refused():
    sample = _samples()[0].to_dict()
    with pytest.raises(ValueError, match='one label'):
        KNNMetric().process(None, [dict(sample, gt_label=torch.tensor([0, 1]))])
    with pytest.raises(ValueError, match="got 'train'"):
        KNNMetric().process(None, [dict(sample, split_role='train')])


def _score(metric, samples):
    metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(samples))


def _stacked(samples, name):
    return torch.stack([sample.get(name) for sample in samples])


def _top1(predicted, labels):
    return (torch.as_tensor(predicted) == labels).double().mean().item() * 100


def test_the_embedding_probe_is_the_function_of_its_arguments():
    samples = _samples()
    ids = _stacked(samples, 'token_ids').flatten(1).numpy()
    labels = _stacked(samples, 'gt_label')[:, 0]
    scores = {}
    for dim, epochs in ((8, 40), (1, 1)):
        scores[dim] = _score(TokenEmbeddingProbe(8, dim, epochs), samples)['embedding_probe_top1']
        assert scores[dim] == pytest.approx(_top1(embedding_probe(
            ids[:40], labels[:40].numpy(), ids[40:], 8, dim, epochs), labels[40:]))
    assert scores[8] > 85 and scores[1] < scores[8]


@pytest.mark.parametrize('metric_class', [KNNMetric, DepthProbe])
def test_neighbours_and_temperature_are_passed_on(metric_class):
    samples = _samples()
    features, labels = _stacked(samples, 'feature'), _stacked(samples, 'gt_label')[:, 0]
    for sample in samples:
        sample.depth_features = [sample.feature]
    key = dict(KNNMetric='knn_top1', DepthProbe='knn_top1_depth1')[metric_class.__name__]
    scores = []
    for k, temperature in ((1, 0.07), (30, 0.07), (30, 100.)):
        scores.append(_score(metric_class(k=k, temperature=temperature), samples)[key])
        assert scores[-1] == pytest.approx(_top1(weighted_knn(
            features[:40], labels[:40], features[40:], k, temperature), labels[40:]))
    assert len(set(scores)) == 3  # each argument tells


def test_the_token_probe_chooses_among_penalties_that_suit_rare_codes():
    # Codes of a class among many that tell nothing, most of which are seen a few times.
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2000)
    codes = rng.zipf(1.3, (2000, 64)) % 500
    telling = rng.random((2000, 64)) < 0.03
    codes[telling] = (500 + labels[:, None] + rng.integers(0, 2, (2000, 64)) * 10)[telling] % 520
    bank, query = slice(0, 1000), slice(1000, 2000)

    def top1(**kwargs):
        return TokenProbe(520, **kwargs).score(
            codes[bank], labels[bank], codes[query], labels[query])['token_probe_top1']

    best = max(top1(penalties=[penalty]) for penalty in (1e-2, 0.3, 1., 10.))
    assert top1() > best - 1.5
    assert top1(penalties=(1e-4, 1e-3, 1e-2)) < best - 3  # the test can tell
