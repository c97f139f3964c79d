import pytest

from tests.toy_configs import classifier_config, pretrain_config, run_tool, write_config


def files(folder):
    """Everything below a folder, with content and time of each file."""
    return {path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
            if path.is_file() else None for path in folder.rglob('*')}


def grids(cfg):
    cfg['model']['backbone'] = dict(cfg['model']['backbone'], patch_size=4)


def codes(cfg):
    cfg['model']['head']['num_classes'] = 9


def masks(cfg):
    cfg['train_dataloader']['dataset']['pipeline'][1]['grid_size'] = (4, 8)


@pytest.mark.parametrize('change, message', [
    (grids, 'the tokenizer makes a 8x8 grid of tokens from 16x16 pixels, the backbone has 4x4'),
    (codes, 'the head predicts 9 classes, the tokenizer has a codebook of 8: set '),
    (masks, 'the mask of an image is a 4x8 grid, the backbone sees 8x8 patches: set grid_size='),
])
def test_a_refused_pretraining_leaves_nothing(images, tokenizer_run, tmp_path, capsys, change,
                                              message):
    cfg = pretrain_config(images, tokenizer_run / 'epoch_2.pth')
    change(cfg)
    config = write_config(cfg, tmp_path / f'start_{change.__name__}.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'runs/w') == 2
    error, = capsys.readouterr().err.strip().splitlines()
    assert error.startswith(f'error: {message}')
    assert not (tmp_path / 'runs').exists()


def test_a_work_dir_with_files_stays_as_it_was(images, tmp_path, capsys):
    cfg = classifier_config(images)
    cfg['val_dataloader']['dataset']['num_per_class'] = 3
    config = write_config(cfg, tmp_path / 'start_again.py')
    work = tmp_path / 'w'
    (work / '20200101_000000/vis_data').mkdir(parents=True)
    for name in ('20200101_000000/old.log', 'epoch_1.pth', 'start_again.py'):
        (work / name).write_text('from an earlier run')
    before = files(work)
    assert run_tool('train', config, '--work-dir', work) == 2
    assert capsys.readouterr().err == (
        'error: num_per_class=3, but class 0 has only 2 images: '
        'set num_per_class to at most 2\n')
    assert files(work) == before


def test_a_test_that_is_refused_leaves_nothing(images, classifier_run, tmp_path, capsys):
    assert run_tool('test', classifier_run / 'shared_classifier.py', classifier_run / 'epoch_2.pth',
                    '--work-dir', tmp_path / 'w', '--cfg-options',
                    'test_dataloader.dataset.num_per_class=3') == 2
    assert 'num_per_class=3' in capsys.readouterr().err
    assert not (tmp_path / 'w').exists()


def test_what_nobody_foresaw_leaves_its_log(images, tmp_path, capsys, monkeypatch):
    from mmengine.runner import Runner

    def fail(self):
        raise ValueError('not one of ours')

    monkeypatch.setattr(Runner, 'train', fail)
    config = write_config(classifier_config(images), tmp_path / 'start_unforeseen.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'w') == 1
    errors = capsys.readouterr().err
    assert 'Traceback' in errors and errors.endswith('error: ValueError: not one of ours\n')
    assert list((tmp_path / 'w').glob('*/*.log'))
