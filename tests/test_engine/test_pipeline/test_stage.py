"""What a stage reads, its command line, and when it is the same stage."""

import dataclasses
import logging
import os

import pytest
from mmengine.logging import MMLogger

from peco.engine.pipeline import Stage
from peco.engine.pipeline.stage import config_text, resolve
from peco.utils.config import load_config


def test_what_a_stage_reads():
    def stage(name, **kwargs):
        return Stage(name, name, run='tool.py', **kwargs)

    others = [stage('net', makes='{work_dir}/net.pth'), stage('tok'), stage('cache'), stage('pre')]
    assert stage('a').reads(others) == []
    assert stage('a', checkpoint='{last:tok}').reads(others) == ['tok']
    assert stage('a', cfg_options={'x': '{work_dir}/net.pth'}).reads(others) == ['net']
    assert stage('a', cfg_options={'x': ['{work_dir}/cache/ids']}).reads(others) == ['cache']
    assert stage('a', args=['--out', '{work_dir}/cached']).reads(others) == []
    assert stage('a', args=['{work_dir}/cache', '{work_dir}/pre/epoch_1.pth']).reads(others) == [
        'cache', 'pre']


def test_commands_resume_and_find_checkpoints(tmp_path):
    stage = Stage('fit', 'Fit', 'train', config='c.py', cfg_options={'a.b': '{last:before}'})
    with pytest.raises(FileNotFoundError, match="stage 'before' has left no checkpoint"):
        stage.argv(tmp_path)
    (tmp_path / 'before').mkdir()
    (tmp_path / 'before/last_checkpoint').write_text('/x/epoch_3.pth')
    argv = stage.argv(tmp_path, amp=True)
    assert argv == [
        'tools/train.py', 'c.py', '--work-dir', f'{tmp_path}/fit', '--amp', '--cfg-options',
        'a.b=/x/epoch_3.pth'
    ]
    (tmp_path / 'fit').mkdir()
    (tmp_path / 'fit/last_checkpoint').write_text('/x/epoch_1.pth')
    assert '--resume' in stage.argv(tmp_path)
    assert resolve('{work_dir}/{last:fit}', tmp_path) == f'{tmp_path}//x/epoch_1.pth'
    with pytest.raises(ValueError, match="needs a 'checkpoint'"):
        Stage('t', 'T', 'test', config='c.py')


def test_a_folder_that_was_copied_is_read_from_itself(tmp_path):
    for name in ('old', 'new'):
        (tmp_path / name / 'fit').mkdir(parents=True)
        (tmp_path / name / 'fit/epoch_3.pth').touch()
        (tmp_path / name / 'fit/last_checkpoint').write_text(f'{tmp_path}/old/fit/epoch_3.pth')
    assert resolve('{last:fit}', tmp_path / 'new') == f'{tmp_path}/new/fit/epoch_3.pth'
    (tmp_path / 'new/fit/epoch_3.pth').unlink()
    assert resolve('{last:fit}', tmp_path / 'new') == f'{tmp_path}/old/fit/epoch_3.pth'


def test_other_folders_of_images_are_another_run_of_the_same_config(tmp_path, monkeypatch):
    (tmp_path / 'c.py').write_text("train_dir = '{{$PECO_TRAIN_DIR:data/train}}'\nlr = 1\n")
    monkeypatch.delenv('PECO_TRAIN_DIR', raising=False)
    stage = Stage('fit', 'Fit', 'train', config=str(tmp_path / 'c.py'))
    here = stage.fingerprint()
    assert stage.config_hash() == here
    monkeypatch.setenv('PECO_TRAIN_DIR', '/other/train')
    assert stage.fingerprint() != here and stage.config_hash() == here
    assert os.environ['PECO_TRAIN_DIR'] == '/other/train'
    (tmp_path / 'c.py').write_text("train_dir = '{{$PECO_TRAIN_DIR:data/train}}'\nlr = 2\n")
    assert stage.config_hash() != here


def test_reading_many_configs_says_nothing_of_their_variables(tmp_path, monkeypatch):
    heard = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handlers', [handler])
    monkeypatch.setenv('PECO_TRAIN_DIR', '/other/train')
    (tmp_path / 'c.py').write_text("train_dir = '{{$PECO_TRAIN_DIR:data/train}}'\n")
    stage = Stage('fit', 'Fit', 'train', config=str(tmp_path / 'c.py'))
    assert '/other/train' in config_text(stage.config) and stage.fingerprint() and heard == []
    load_config(stage.config)  # a single tool still tells
    assert len(heard) == 1 and 'PECO_TRAIN_DIR' in heard[0]


CHANGES = dict(
    name='other', title='Other', run='tool.py', config='d.py', checkpoint='{last:x}', args=['--x'],
    cfg_options={'a': 2}, makes='{work_dir}/x', minutes=9., needs=['mmdet'])


@pytest.mark.parametrize('field', [field.name for field in dataclasses.fields(Stage)])
def test_what_makes_it_another_stage(field):
    """A guess of its minutes that is mended must not make days of finished work stale."""
    stage = Stage('fit', 'Fit', 'train', config='c.py')
    changed = dataclasses.replace(stage, **{field: CHANGES[field]})
    same = stage.fingerprint(str) == changed.fingerprint(str)
    assert same is (field in ('title', 'minutes', 'needs'))
