import math

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample
from torchmetrics.functional.image import peak_signal_noise_ratio

import peco.evaluation  # noqa: F401
from peco.evaluation.metrics import CodebookMetric, ReconstructionMetric
from peco.utils.codebook_stats import count_codes, usage_and_perplexity

NUMBER = 9


def _samples():
    generator = torch.Generator().manual_seed(0)
    samples = []
    for _ in range(NUMBER):
        sample = DataSample()
        sample.original = torch.rand(3, 8, 8, generator=generator)
        noise = torch.randn(3, 8, 8, generator=generator) * torch.rand(1, generator=generator)
        sample.reconstruction = (sample.original + noise).clamp(0, 1)
        sample.perceptual_distance = torch.rand((), generator=generator)
        sample.token_ids = torch.randint(12, (2, 2), generator=generator)
        samples.append(sample)
    return samples


def _evaluate(samples):
    evaluator = Evaluator([dict(type='peco.ReconstructionMetric'),
                           dict(type='peco.CodebookMetric', codebook_size=16)])
    for start in range(0, len(samples), 4):
        evaluator.process(data_samples=samples[start:start + 4])
    return evaluator.evaluate(len(samples))


def test_values_over_the_whole_split():
    samples, scores = _samples(), _evaluate(_samples())
    each = [peak_signal_noise_ratio(s.reconstruction, s.original, data_range=1.) for s in samples]
    assert scores['psnr'] == pytest.approx(torch.stack(each).mean().item(), rel=1e-5)
    assert scores['perceptual_distance'] == pytest.approx(
        torch.stack([s.perceptual_distance for s in samples]).mean().item(), rel=1e-5)
    ids = torch.cat([s.token_ids.flatten() for s in samples])
    stats = usage_and_perplexity(count_codes(ids, 16))
    assert scores['codebook_usage'] == stats['usage'] and 0 < stats['usage'] < 100
    assert scores['codebook_perplexity'] == stats['perplexity']
    assert math.exp(scores['codebook_entropy']) == pytest.approx(scores['codebook_perplexity'])
    # Not the mean of what each batch of 4, 4 and 1 images would say.
    parts = [usage_and_perplexity(count_codes(part, 16))['perplexity']
             for part in ids.split([16, 16, 4])]
    assert abs(sum(parts) / 3 - scores['codebook_perplexity']) > 1


def test_the_distance_is_optional():
    samples = _samples()
    for sample in samples:
        del sample.perceptual_distance
    assert 'perceptual_distance' not in _evaluate(samples)


def test_missing_fields_and_wrong_ids_are_named():
    sample = _samples()[0].to_dict()
    with pytest.raises(KeyError, match="ReconstructionMetric needs 'original'"):
        ReconstructionMetric().process(None, [dict(reconstruction=sample['reconstruction'])])
    with pytest.raises(KeyError, match="CodebookMetric needs 'token_ids'"):
        CodebookMetric(16).process(None, [dict()])
    metric = CodebookMetric(codebook_size=4)
    metric.process(None, [dict(token_ids=torch.tensor([[1, 4]]))])
    with pytest.raises(ValueError, match=r'\[1, 4\] do not fit codebook_size=4'):
        metric.evaluate(1)


@pytest.mark.parametrize('values', [255., -1.])
def test_images_out_of_range_are_refused(values):
    sample = dict(reconstruction=torch.rand(3, 4, 4), original=torch.full((3, 4, 4), values))
    with pytest.raises(ValueError, match=rf'in \[0, 1\], got an original in \[{values:g}'):
        ReconstructionMetric().process(None, [sample])


@pytest.mark.parametrize('metric', [ReconstructionMetric(), CodebookMetric(4)])
def test_no_samples_are_an_error(metric):
    with pytest.raises(ValueError, match='got no sample'):
        metric.evaluate(0)


def test_only_samples_of_the_split_role_count():
    samples = _samples()
    for index, sample in enumerate(samples):
        sample.set_field('query' if index % 2 else 'bank', 'split_role', field_type='metainfo')
    evaluator = Evaluator([dict(type='peco.ReconstructionMetric', split_role='query'),
                           dict(type='peco.CodebookMetric', codebook_size=16, split_role='query')])
    evaluator.process(data_samples=samples)
    assert evaluator.evaluate(NUMBER) == _evaluate(samples[1::2])
