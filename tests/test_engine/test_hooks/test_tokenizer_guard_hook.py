import shutil

import pytest
import torch

from peco.utils import load_checkpoint
from tests.toy_configs import pretrain_config, run_tool, write_config


def test_checkpoint_names_the_tokenizer_and_leaves_it_out(pretrain_run, tokenizer_run):
    checkpoint = load_checkpoint(pretrain_run / 'epoch_2.pth')
    assert checkpoint['tokenizer']['path'] == str(tokenizer_run / 'epoch_2.pth')
    assert len(checkpoint['tokenizer']['fingerprint']) == 64
    assert not any('tokenizer' in key for key in checkpoint['state_dict'])


@pytest.fixture
def resume(images, pretrain_run, tmp_path, capsys):
    """Resume a copy of the run on a tokenizer checkpoint; gives exit code and messages."""

    def run(tokenizer_checkpoint, name):
        work = tmp_path / 'work'
        shutil.copytree(pretrain_run, work)
        cfg = pretrain_config(images, tokenizer_checkpoint)
        cfg['train_cfg'] = dict(by_epoch=True, max_epochs=3)
        config = write_config(cfg, tmp_path / f'{name}.py')
        code = run_tool('train', config, '--work-dir', work, '--resume', work / 'epoch_2.pth')
        return code, capsys.readouterr().err, work

    return run


def test_resume_goes_on_with_the_same_tokenizer_in_another_place(resume, tokenizer_run, tmp_path):
    moved = tmp_path / 'moved.pth'
    shutil.copy(tokenizer_run / 'epoch_2.pth', moved)
    code, errors, work = resume(moved, 'guard_moved')
    assert code == 0, errors
    assert (work / 'epoch_3.pth').exists()


def test_resume_with_another_tokenizer_is_an_error(resume, tokenizer_run, tmp_path):
    other = tmp_path / 'other.pth'
    checkpoint = load_checkpoint(tokenizer_run / 'epoch_2.pth')
    checkpoint['state_dict']['decoder.head.bias'] += 1
    torch.save(checkpoint, other)
    code, errors, work = resume(other, 'guard_other')
    assert code == 2
    assert str(other) in errors and str(tokenizer_run / 'epoch_2.pth') in errors
    assert errors.count('fingerprint') == 2 and 'Traceback' not in errors
    assert not (work / 'epoch_3.pth').exists()


def test_resume_from_a_checkpoint_that_does_not_tell_is_an_error(resume, pretrain_run,
                                                                 tokenizer_run, monkeypatch):
    from peco.engine.hooks import TokenizerGuardHook
    after_load = TokenizerGuardHook.after_load_checkpoint

    def forget(self, runner, checkpoint):
        checkpoint.pop('tokenizer')
        after_load(self, runner, checkpoint)

    monkeypatch.setattr(TokenizerGuardHook, 'after_load_checkpoint', forget)
    code, errors, _ = resume(tokenizer_run / 'epoch_2.pth', 'guard_silent')
    assert code == 2 and 'does not tell which tokenizer' in errors
