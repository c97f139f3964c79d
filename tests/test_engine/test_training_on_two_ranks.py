"""Whole training runs on two gloo ranks, built as tools/train.py builds them."""

from unittest import mock

import pytest
import torch
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmpretrain.models import SelfSupDataPreprocessor
from torch import distributed as dist
from torch.utils.data import Sampler

from peco.engine.cli import build_runner, complete_dataloaders
from peco.models.quantizers import EMAQuantizer, ema_quantizer
from peco.models.tokenizers import PerceptualTokenizer
from peco.registry import DATA_SAMPLERS, MODELS
from tests.dist_utils import run_distributed
from tests.test_models.test_tokenizers.tokenizer_cfg import PERCEPTUAL
from tests.toy_configs import classifier_config, pretrain_config, tokenizer_config

pytestmark = pytest.mark.whole


@MODELS.register_module(force=True)
class DoubleTokenizer(PerceptualTokenizer):
    """The tokenizer in float64."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.double()


@MODELS.register_module(force=True)
class DoublePreprocessor(SelfSupDataPreprocessor):
    """Images in float64."""

    def forward(self, data, training=False):
        data = super().forward(data, training)
        data['inputs'] = data['inputs'].double()
        return data


@DATA_SAMPLERS.register_module(force=True)
class NeighboursSampler(Sampler):
    """Cuts each global batch of four into neighbours, so that k-means sees the same order."""

    def __init__(self, dataset, seed=None):
        self.size = len(dataset)
        self.rank, self.world = _rank_and_world()

    def set_epoch(self, epoch):
        pass

    def __len__(self):
        return self.size // self.world

    def __iter__(self):
        share = 4 // self.world
        return iter(index for index in range(self.size) if index % 4 // share == self.rank)


def _rank_and_world():
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def _train(cfg, folder, name, iters):
    """Train as the tool does and give the weights."""
    cfg = Config(dict(
        cfg, work_dir=f'{folder}/{name}', train_cfg=dict(by_epoch=False, max_iters=iters),
        experiment_name=f'{name}_{_rank_and_world()}'))
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg[key] = None
    complete_dataloaders(cfg)
    runner = build_runner(cfg, 'train', 'pytorch' if dist.is_initialized() else 'none')
    runner.train()
    assert runner.iter == iters
    model, parallel = runner.model, is_model_wrapper(runner.model)
    assert parallel == dist.is_initialized()
    if parallel:
        assert not model.find_unused_parameters
        model = model.module
    return {key: value.clone() for key, value in model.state_dict().items()}


def _tokenizer(images, **quantizer):
    cfg = tokenizer_config(images)
    cfg['model'] = dict(cfg['model'], perceptual_loss=PERCEPTUAL, quantizer=dict(
        type='peco.EMAQuantizer', codebook_size=64, code_dim=4, **quantizer))
    cfg['randomness'] = dict(seed=0, diff_rank_seed=True)
    return cfg


def _random_tokenizer(images, folder):
    """Shuffled images, other random numbers on each rank, k-means and restarts; counts both."""
    events = dict(kmeans=0, moved=0)
    kmeans, restart = ema_quantizer.kmeans, EMAQuantizer._restart_dead_codes

    def counted_kmeans(*args, **kwargs):
        events['kmeans'] += 1
        return kmeans(*args, **kwargs)

    def counted_restart(self, rows):
        before = self.embedding.clone()
        restart(self, rows)
        events['moved'] += int((self.embedding != before).any(1).sum())

    cfg = _tokenizer(images, init_vectors=512, decay=0.5, restart_threshold=0.5,
                     restart_interval=5)
    with mock.patch.object(ema_quantizer, 'kmeans', counted_kmeans), \
            mock.patch.object(EMAQuantizer, '_restart_dead_codes', counted_restart):
        return _train(cfg, folder, 'random', 20), events


def _exact_tokenizer(images, folder):
    """Nothing random but the first weights: float64, SGD, k-means, no restart, four images."""
    cfg = _tokenizer(images, init_vectors=256, restart_threshold=0.)
    cfg['model']['type'] = 'peco.DoubleTokenizer'
    cfg['data_preprocessor'] = dict(cfg['data_preprocessor'], type='peco.DoublePreprocessor')
    cfg['optim_wrapper'] = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05))
    cfg['randomness'] = dict(seed=0)
    cfg['train_dataloader'] = dict(
        cfg['train_dataloader'], batch_size=4 // _rank_and_world()[1],
        sampler=dict(type='peco.NeighboursSampler'))
    return _train(cfg, folder, 'exact', 20)


def _all_runs(images, tokenizer_checkpoint, folder):
    pretrain = pretrain_config(images, tokenizer_checkpoint)
    pretrain['custom_hooks'] = pretrain['custom_hooks'][:1]
    pretrain['randomness'] = dict(seed=0, diff_rank_seed=True)
    return dict(
        random=_random_tokenizer(images, folder),
        exact=_exact_tokenizer(images, folder),
        pretrain=_train(pretrain, folder, 'pretrain', 3),
        finetune=_train(classifier_config(images), folder, 'finetune', 3))


@pytest.fixture(scope='module')
def ranks(images, tokenizer_run, tmp_path_factory):
    return run_distributed(_all_runs, 2, images, tokenizer_run / 'epoch_2.pth',
                           str(tmp_path_factory.mktemp('two_ranks')))


def test_twenty_steps_of_a_tokenizer_leave_both_ranks_alike(ranks):
    (first, events), (second, other_events) = (rank['random'] for rank in ranks)
    assert events == other_events
    assert events['kmeans'] == 1 and events['moved'] > 0
    assert int(first['quantizer.num_updates']) == 20
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_in_float64_two_ranks_equal_one_with_twice_the_batch(ranks, images, tmp_path):
    alone = _exact_tokenizer(images, tmp_path)
    first, second = (rank['exact'] for rank in ranks)
    assert first.keys() == alone.keys() and bool(alone['quantizer.initted'])
    for name, value in alone.items():
        assert torch.equal(first[name], second[name]), name
        assert not value.is_floating_point() or value.dtype == torch.float64, name
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-6, msg=name)


@pytest.mark.parametrize('stage', ['pretrain', 'finetune'])
def test_three_steps_without_a_search_for_unused_parameters(ranks, stage):
    first, second = (rank[stage] for rank in ranks)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
