import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

import peco.evaluation  # noqa: F401
from tests.dist_utils import run_distributed

NUMBER = 41  # odd, so that one of two ranks is given a sample twice


class Brightness(torch.nn.Module):
    """Four classes by the mean of an image."""

    def forward(self, images, mode):
        assert mode == 'tensor'
        return -(images.mean((1, 2, 3))[:, None] - torch.linspace(.45, .55, 4)).abs()


CLASSIFIER = Brightness()
METRICS = [
    dict(type='peco.KNNMetric', k=5),
    dict(type='peco.TokenProbe', codebook_size=8),
    dict(type='peco.TokenEmbeddingProbe', codebook_size=8, dim=4, epochs=2),
    dict(type='peco.DepthProbe', k=5),
    dict(type='peco.ReconstructionAccuracy', classifier=CLASSIFIER, mean=[0.] * 3, std=[255.] * 3),
    dict(type='peco.ReconstructionMetric'),
    dict(type='peco.CodebookMetric', codebook_size=8),
]
# The image that is given twice is a query.
OF_QUERIES = [dict(metric, split_role='query', prefix='query') for metric in METRICS[-3:]]


def _samples():
    rng = np.random.default_rng(0)
    samples = []
    for i in range(NUMBER):
        sample = DataSample(metainfo=dict(split_role='bank' if i % 3 else 'query'))
        sample.set_gt_label(i % 4)
        sample.feature = torch.from_numpy(rng.normal(i % 4, 1.5, 6))
        sample.depth_features = [sample.feature[:2], sample.feature]
        sample.token_ids = torch.from_numpy(rng.integers(0, 2 + i % 4, (4, 4)))
        sample.original = torch.from_numpy(rng.random((3, 4, 4)))
        sample.reconstruction = torch.from_numpy(rng.random((3, 4, 4)))
        sample.perceptual_distance = torch.tensor(rng.random())
        samples.append(sample)
    return samples


def _evaluate(samples):
    evaluator = Evaluator(METRICS + OF_QUERIES)
    for start in range(0, len(samples), 8):
        evaluator.process(data_samples=samples[start:start + 8])
    return evaluator.evaluate(NUMBER)


def _evaluate_rank():
    padded = _samples() + _samples()[:1]
    return _evaluate(padded[torch.distributed.get_rank()::2])


def test_two_ranks_give_the_numbers_of_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where mmengine collects the parts
    expected = _evaluate(_samples())
    of_images = {'psnr', 'perceptual_distance', 'codebook_usage', 'codebook_perplexity',
                 'codebook_entropy', 'original_top1', 'reconstruction_top1'}
    assert set(expected) == {'knn_top1', 'token_probe_top1', 'embedding_probe_top1', *of_images,
                             *(f'query/{name}' for name in of_images),
                             *(f'{kind}_top1_{depth}' for kind in ('knn', 'linear')
                               for depth in ('depth1', 'depth2', 'best_depth'))}
    for scores in run_distributed(_evaluate_rank, 2):
        assert scores == pytest.approx(expected, rel=1e-9)
