"""A real Runner: train, save, resume, and go on as if there had been no stop."""

import shutil

import torch

from peco.utils import load_checkpoint
from tests.toy_configs import classifier_config, run_tool, write_config


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
