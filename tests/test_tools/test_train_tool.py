import json

import torch

from peco.utils import load_checkpoint
from tests.toy_configs import classifier_config, run_tool, write_config


def test_trains_validates_and_saves_with_amp(classifier_run):
    checkpoint = load_checkpoint(classifier_run / 'epoch_2.pth')
    assert "type='peco.AmpOptimWrapper'" in checkpoint['meta']['cfg']
    assert all(value.dtype == torch.float32 for value in checkpoint['state_dict'].values())
    scalars, = classifier_run.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert any('accuracy/top1' in record for record in records)


def test_arguments_reach_the_config(images, tmp_path, monkeypatch):
    from mmengine.runner import Runner
    seen = []
    monkeypatch.setattr(Runner, 'train', lambda self: seen.append(self.cfg))
    config = write_config(classifier_config(images), tmp_path / 'train_arguments.py')
    (tmp_path / 'w').mkdir()
    (tmp_path / 'w/last_checkpoint').write_text('epoch_1.pth')
    assert run_tool('train', config, '--work-dir', tmp_path / 'w', '--no-validate', '--resume',
                    '--auto-scale-lr', '--cfg-options', 'train_dataloader.batch_size=2',
                    'train_dataloader.num_workers=1') == 0
    cfg, = seen
    assert cfg.work_dir == str(tmp_path / 'w')
    assert cfg.val_cfg is None and cfg.val_dataloader is None and cfg.val_evaluator is None
    assert cfg.resume is True and cfg.load_from is None and cfg.auto_scale_lr.enable is True
    loader = cfg.train_dataloader
    assert loader.batch_size == 2 and loader.collate_fn.type == 'default_collate'
    assert loader.persistent_workers is True and cfg.test_dataloader.persistent_workers is False
    assert loader.pin_memory is torch.cuda.is_available()


def test_nothing_to_resume_from(images, classifier_run, tmp_path, monkeypatch, capsys):
    from mmengine.runner import Runner
    seen = []
    monkeypatch.setattr(Runner, 'train', lambda self: seen.append(self.cfg))
    config = write_config(classifier_config(images), tmp_path / 'train_resume_nothing.py')
    path = classifier_run / 'epoch_2.pth'
    assert run_tool('train', config, '--work-dir', tmp_path / 'w', '--resume', '--cfg-options',
                    f'load_from={path}') == 0
    assert (seen[0].resume, seen[0].load_from) == (False, str(path))
    assert f"work dir '{tmp_path / 'w'}' holds no checkpoint yet" in capsys.readouterr().out


def test_work_dir_is_named_after_the_config(images, tmp_path, monkeypatch):
    from mmengine.runner import Runner
    seen = []
    monkeypatch.setattr(Runner, 'train', lambda self: seen.append(self.work_dir))
    monkeypatch.chdir(tmp_path)
    config = write_config(classifier_config(images), tmp_path / 'train_named.py')
    assert run_tool('train', config) == 0
    assert seen == [str(tmp_path / 'work_dirs/train_named')]


def test_faults_are_told_plainly_and_nothing_is_written(images, tmp_path, capsys):
    cfg = classifier_config(images)
    cfg['train_dataloader']['dataset']['data_root'] = '/none'
    config = write_config(cfg, tmp_path / 'train_faulty.py')
    code = run_tool('train', config, '--work-dir', tmp_path / 'w', '--cfg-options',
                    'model.backbone.img_sise=8')
    errors = capsys.readouterr().err.strip().splitlines()
    assert code == 2 and len(errors) == 2
    assert errors[0].startswith('error: model.backbone.img_sise: peco.PeCoViT takes no')
    assert errors[1].startswith("error: data folder '/none' does not exist.")
    assert not (tmp_path / 'w').exists()


def test_a_config_that_only_tests_cannot_train_in_any_precision(images, tmp_path, capsys):
    cfg = classifier_config(images)
    for key in ('optim_wrapper', 'train_dataloader', 'train_cfg'):
        cfg.pop(key)
    config = write_config(cfg, tmp_path / 'train_nothing.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'w', '--amp') == 2
    errors = capsys.readouterr().err
    assert 'optim_wrapper' in errors and 'Traceback' not in errors


def test_faults_of_the_command_line(images, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    cfg = classifier_config(images)
    cfg.pop('auto_scale_lr')
    config = write_config(cfg, tmp_path / 'train_command_line.py')
    for arguments, message in (
        ([tmp_path / 'none.py'], "none.py' does not exist"),
        ([config, '--resume', '/none.pth'], "checkpoint '/none.pth' (resume) does not exist"),
        ([config, '--auto-scale-lr'], 'has no auto_scale_lr'),
        ([config, '--cfg-options', 'modle.type=A'], "did you mean 'model'?"),
        ([config, '--launcher', 'pytorch'], 'dist_train.sh'),
    ):
        assert run_tool('train', *arguments, '--work-dir', tmp_path / 'w') == 2
        assert message in capsys.readouterr().err


def test_fewer_images_than_a_batch(images, tmp_path, capsys):
    config = write_config(classifier_config(images), tmp_path / 'train_too_few.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'w', '--cfg-options',
                    'train_dataloader.batch_size=9', 'train_dataloader.drop_last=True') == 2
    errors = capsys.readouterr().err
    assert 'Traceback' not in errors
    assert '8 images on 1 rank(s) give no batch of batch_size=9' in errors
    assert 'train_dataloader.batch_size=8 or train_dataloader.drop_last=False' in errors


def test_pretrained_weights_of_another_model(images, tokenizer_run, tmp_path, capsys):
    cfg = classifier_config(images)
    cfg['model']['backbone'] = dict(
        cfg['model']['backbone'], init_cfg=dict(
            type='Pretrained', checkpoint=str(tokenizer_run / 'epoch_2.pth'), prefix='backbone.'))
    config = write_config(cfg, tmp_path / 'train_pretrained.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'w') == 2
    assert "no weights that begin with 'backbone.'" in capsys.readouterr().err


def test_errors_of_the_run_keep_their_traceback_and_end_with_the_mend(images, tmp_path, capsys,
                                                                      monkeypatch):
    from mmengine.runner import Runner

    def fail(self):
        raise RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')

    monkeypatch.setattr(Runner, 'train', fail)
    config = write_config(classifier_config(images), tmp_path / 'train_fails.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'w') == 1
    errors = capsys.readouterr().err
    assert 'Traceback' in errors and 'Tried to allocate 2 GiB' in errors
    assert errors.strip().splitlines()[-1].startswith('error: the device is out of memory')


def test_two_precisions_are_refused(images, tmp_path, capsys):
    config = write_config(classifier_config(images), tmp_path / 'train_two_precisions.py')
    assert run_tool('train', config, '--work-dir', tmp_path, '--amp', '--cfg-options',
                    'optim_wrapper.dtype=float32') == 2
    assert '--amp trains in bfloat16 and optim_wrapper.dtype=float32' in capsys.readouterr().err
