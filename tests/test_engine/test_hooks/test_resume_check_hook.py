from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from peco.engine.hooks import ResumeCheckHook
from peco.utils.config import ConfigError
from tests.toy_configs import classifier_config, run_tool, write_config


@pytest.mark.parametrize('options, words', [
    (['train_dataloader.batch_size=2'], '2 images a step on 1 rank'),
    (['train_dataloader.batch_size=2', 'optim_wrapper.accumulative_counts=2'],
     '2 images a step, 2 batches an update on 1 rank'),
])
def test_another_step_is_refused_and_the_advice_works(images, classifier_run, tmp_path, capsys,
                                                      options, words):
    config = write_config(classifier_config(images), tmp_path / f'resume_check_{len(options)}.py')
    resume = ['train', config, '--work-dir', tmp_path, '--resume', classifier_run / 'epoch_1.pth']
    assert run_tool(*resume, '--cfg-options', *options) == 2
    error = capsys.readouterr().err
    assert 'was trained with 4 images a step, this run has ' + words in error
    assert 'Traceback' not in error and not [*tmp_path.glob('*.pth')]
    advice = error.split('Set --cfg-options ')[1].split(',')[0].split()
    assert advice == ['train_dataloader.batch_size=4', 'optim_wrapper.accumulative_counts=1']
    assert run_tool(*resume, '--cfg-options', *advice) == 0
    assert (tmp_path / 'epoch_2.pth').exists()


def fake_runner(ranks, batch, resume=True):
    return SimpleNamespace(
        world_size=ranks, _resume=resume, train_dataloader=SimpleNamespace(batch_size=batch),
        optim_wrapper=SimpleNamespace(_accumulative_counts=1))


def test_a_loader_with_a_sampler_of_batches():
    # torch's loaders then have batch_size=None; all configs of mmdet are such.
    data = torch.zeros(8)
    loader = DataLoader(data, batch_sampler=BatchSampler(SequentialSampler(data), 4, True))
    runner, checkpoint = fake_runner(2, None), dict(meta={})
    runner.train_dataloader = loader
    ResumeCheckHook().before_save_checkpoint(runner, checkpoint)
    assert checkpoint['meta'] == dict(images_per_step=dict(batch=8, accumulated=1))


def test_ranks_count():
    hook, checkpoint = ResumeCheckHook(), dict(meta={})
    hook.before_save_checkpoint(fake_runner(8, 32), checkpoint)
    hook.after_load_checkpoint(fake_runner(4, 64), checkpoint)
    hook.after_load_checkpoint(fake_runner(4, 32, resume=False), checkpoint)
    hook.after_load_checkpoint(fake_runner(4, 32), dict(meta={}))  # of an earlier version
    with pytest.raises(ConfigError, match=r'256 images a step, this run has 128 images a step on '
                                          r'4 rank\(s\).*batch_size=64'):
        hook.after_load_checkpoint(fake_runner(4, 32), checkpoint)
    with pytest.raises(ConfigError, match='Resume on as many ranks as before'):
        hook.after_load_checkpoint(fake_runner(3, 32), checkpoint)
