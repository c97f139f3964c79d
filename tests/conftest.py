"""Small things that are made once for all tests: images, a trained tokenizer, a classifier.

Tests see no GPU, so that they are the same on every machine; ``-m gpu`` runs those marked ``gpu``.
"""

import os

import pytest


def pytest_configure(config):
    if 'gpu' not in config.option.markexpr.replace('not gpu', ''):
        os.environ['CUDA_VISIBLE_DEVICES'] = ''


@pytest.fixture(scope='session', autouse=True)
def short_waits_for_workers():
    """Those of a loader that an error left behind get five seconds each to end by themselves."""
    from torch.utils.data import _utils
    _utils.MP_STATUS_CHECK_INTERVAL = 0.5


@pytest.fixture(autouse=True)
def same_draws_in_any_order():
    """A test that seeds nothing draws the same, whatever ran before it in this process."""
    import random

    import numpy as np
    import torch
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_scope_of_another_test():
    """A Runner leaves its default scope behind, in which the next test would build its parts."""
    from mmengine.registry import DefaultScope
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope='session')
def images(tmp_path_factory):
    """Folder with ``train`` and ``val``, each with two classes of small images."""
    from tests.toy_configs import make_images
    return make_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='session')
def tokenizer_run(images, tmp_path_factory):
    """Work dir of a tokenizer trained for two epochs, with its config ``shared_tokenizer.py``."""
    from tests.toy_configs import run_tool, tokenizer_config, write_config
    folder = tmp_path_factory.mktemp('tokenizer_run')
    config = write_config(tokenizer_config(images), folder / 'shared_tokenizer.py')
    assert run_tool('train', config, '--work-dir', folder) == 0
    return folder


@pytest.fixture(scope='session')
def pretrain_run(images, tokenizer_run, tmp_path_factory):
    """Work dir of a model pretrained on it for two epochs, with ``shared_pretrain.py``."""
    from tests.toy_configs import pretrain_config, run_tool, write_config
    folder = tmp_path_factory.mktemp('pretrain_run')
    config = write_config(
        pretrain_config(images, tokenizer_run / 'epoch_2.pth'), folder / 'shared_pretrain.py')
    assert run_tool('train', config, '--work-dir', folder) == 0
    return folder


@pytest.fixture(scope='session')
def vq_kd_run(images, tmp_path_factory):
    """Work dir of a VQ-KD tokenizer, ``shared_vq_kd.py``; in ``pretrain`` a model of its tokens."""
    from tests.toy_configs import VQ_KD, pretrain_config, run_tool, tokenizer_config, write_config
    folder = tmp_path_factory.mktemp('vq_kd_run')
    cfg = dict(tokenizer_config(images), model=VQ_KD,
               test_evaluator=dict(type='peco.CodebookMetric', codebook_size=8))
    assert run_tool('train', write_config(cfg, folder / 'shared_vq_kd.py'), '--work-dir',
                    folder) == 0
    cfg = pretrain_config(images, folder / 'epoch_2.pth')
    cfg['model']['tokenizer'] = VQ_KD
    config = write_config(cfg, folder / 'shared_pretrain_vq_kd.py')
    assert run_tool('train', config, '--work-dir', folder / 'pretrain') == 0
    return folder


@pytest.fixture(scope='session')
def classifier_run(images, tmp_path_factory):
    """Work dir of a classifier trained for two epochs, with ``shared_classifier.py``."""
    from tests.toy_configs import classifier_config, run_tool, write_config
    folder = tmp_path_factory.mktemp('classifier_run')
    config = write_config(classifier_config(images), folder / 'shared_classifier.py')
    assert run_tool('train', config, '--work-dir', folder, '--amp') == 0
    return folder
