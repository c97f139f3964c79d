"""A real Runner: train, save, resume, and go on as if there had been no stop."""

import random
import shutil

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from peco.utils import load_checkpoint
from tests.toy_configs import LOAD, classifier_config, run_tool, write_config


def weights(path):
    return load_checkpoint(path)['state_dict']


def make_config(images, path):
    cfg = classifier_config(images)
    cfg['train_cfg'] = dict(by_epoch=True, max_epochs=4, val_interval=1)
    cfg['param_scheduler'] = [
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=3),
        dict(type='CosineAnnealingLR', T_max=4, by_epoch=True),
        dict(type='MultiStepLR', milestones=[3], by_epoch=True)]
    cfg['custom_hooks'] = [dict(type='EMAHook')]
    return write_config(cfg, path)


def test_resumed_run_equals_one_without_a_stop(images, tmp_path):
    straight = make_config(images, tmp_path / 'resume_straight.py')
    assert run_tool('train', straight, '--work-dir', tmp_path / 'a') == 0
    resumed = make_config(images, tmp_path / 'resume_resumed.py')
    assert run_tool('train', resumed, '--work-dir', tmp_path / 'b', '--resume',
                    tmp_path / 'a/epoch_2.pth') == 0
    assert not (tmp_path / 'b/epoch_2.pth').exists()
    first, expected, found = (load_checkpoint(tmp_path / path) for path in (
        'a/epoch_2.pth', 'a/epoch_4.pth', 'b/epoch_4.pth'))
    for part in ('state_dict', 'ema_state_dict'):
        for name, value in expected[part].items():
            assert torch.equal(value, found[part][name]), (part, name)
    assert found['optimizer']['param_groups'][0]['lr'] == expected['optimizer']['param_groups'][0][
        'lr'] != first['optimizer']['param_groups'][0]['lr']
    assert len(found['message_hub']['log_scalars']['train/loss'].data[0]) == 8


@pytest.mark.parametrize('workers, by_epoch', [(0, True), (1, False)])
def test_a_resumed_run_draws_other_crops(images, tmp_path, workers, by_epoch):
    """The same images in the same order, but not the crops of the first epoch again."""
    seen, drawn = [], []

    @HOOKS.register_module(force=True)
    class SeeOfTest(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            seen.append((runner.iter, [sample.img_path for sample in data_batch['data_samples']],
                         data_batch['inputs'].clone()))
            # As stochastic depth and mixup draw in this process.
            drawn.append((torch.rand(1).item(), np.random.random(), random.random()))

    cfg = classifier_config(images)
    crop = dict(type='RandomResizedCrop', scale=16, crop_ratio_range=(0.1, 0.5))
    cfg['train_dataloader'] = dict(
        cfg['train_dataloader'], num_workers=workers, sampler=dict(
            type='DefaultSampler' if by_epoch else 'InfiniteSampler', shuffle=False))
    cfg['train_dataloader']['dataset']['pipeline'] = [LOAD[0], crop, LOAD[1]]
    cfg['train_cfg'] = dict(by_epoch=True, max_epochs=2) if by_epoch else dict(
        by_epoch=False, max_iters=4, val_interval=9)
    cfg['default_hooks'] = dict(checkpoint=dict(
        type='CheckpointHook', by_epoch=by_epoch, interval=1 if by_epoch else 2))
    cfg['custom_hooks'] = [dict(type='SeeOfTest')]
    config = write_config(cfg, tmp_path / f'draws_{workers}_{by_epoch}.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'a') == 0
    path = tmp_path / 'a' / ('epoch_1.pth' if by_epoch else 'iter_2.pth')
    assert run_tool('train', config, '--work-dir', tmp_path / 'b', '--resume', path) == 0
    assert [step for step, *_ in seen] == [0, 1, 2, 3, 2, 3]
    first, second, resumed = seen[:2], seen[2:4], seen[4:]
    for (_, names, _), (_, same_names, _) in zip(second, resumed, strict=True):
        assert names == same_names
    for part in first, second:
        for (_, _, crops), (_, _, others) in zip(part, resumed, strict=True):
            assert not any(torch.equal(a, b) for a, b in zip(crops, others, strict=True))
    for numbers in zip(*drawn, strict=True):
        assert len(set(numbers)) == 6


def test_resume_refuses_weights_of_another_model(images, classifier_run, tmp_path, capsys):
    cfg = classifier_config(images)
    cfg['model']['backbone'] = dict(
        cfg['model']['backbone'], arch=dict(embed_dims=8, num_layers=2, num_heads=2))
    config = write_config(cfg, tmp_path / 'resume_other_model.py')
    shutil.copy(classifier_run / 'epoch_2.pth', tmp_path / 'epoch_2.pth')
    assert run_tool('train', config, '--work-dir', tmp_path, '--resume',
                    tmp_path / 'epoch_2.pth') == 2
    errors = capsys.readouterr().err
    assert str(tmp_path / 'epoch_2.pth') in errors and 'blocks.1' in errors
    assert 'another architecture' in errors and 'Traceback' not in errors


def test_load_from_takes_the_weights_alone(images, classifier_run, tmp_path):
    config = write_config(classifier_config(images), tmp_path / 'resume_load_from.py')
    path = classifier_run / 'epoch_2.pth'
    assert run_tool('train', config, '--work-dir', tmp_path, '--cfg-options',
                    f'load_from={path}', 'optim_wrapper.optimizer.lr=0',
                    'train_cfg.max_epochs=1') == 0
    checkpoint = load_checkpoint(tmp_path / 'epoch_1.pth')
    assert checkpoint['meta']['epoch'] == 1
    for name, value in weights(path).items():
        assert torch.equal(value, checkpoint['state_dict'][name]), name


def test_a_resumed_run_wants_all_weights_and_a_new_one_the_backbone(images, classifier_run,
                                                                    tmp_path, capsys):
    config = write_config(classifier_config(images), tmp_path / 'resume_headless.py')
    checkpoint = load_checkpoint(classifier_run / 'epoch_2.pth')
    checkpoint['state_dict'] = {name: value for name, value in checkpoint['state_dict'].items()
                                if not name.startswith('head.')}
    torch.save(checkpoint, tmp_path / 'headless.pth')
    assert run_tool('train', config, '--work-dir', tmp_path / 'a', '--resume',
                    tmp_path / 'headless.pth') == 2
    assert '2 weights are not there (head.' in capsys.readouterr().err
    assert run_tool('train', config, '--work-dir', tmp_path / 'b', '--cfg-options',
                    f"load_from={tmp_path / 'headless.pth'}", 'train_cfg.max_epochs=1') == 0
