import pytest
from mmengine.config import Config
from PIL import Image

from tests.toy_configs import run_tool, tokenizer_config, write_config


def starve(images, path, codebook_size, hooks):
    cfg = tokenizer_config(images)
    quantizer = dict(cfg['model']['quantizer'], codebook_size=codebook_size)
    return write_config(
        dict(cfg, model=dict(cfg['model'], quantizer=quantizer), custom_hooks=hooks), path)


@pytest.mark.parametrize('hooks', [[], [dict(type='peco.CodebookHook')]])
def test_too_few_vectors_end_the_run_at_the_first_step(images, tmp_path, capsys, hooks):
    config = starve(images, tmp_path / f'init_starved_{len(hooks)}.py', 4096, hooks)
    assert run_tool('train', config, '--work-dir', tmp_path / 'w') == 2
    errors = capsys.readouterr().err.strip().splitlines()
    # 8 images of 8x8 tokens in batches of 4.
    assert len(errors) == 1 and '4096 codes' in errors[0]
    assert '512 vectors (2 steps of 256)' in errors[0] and 'at most 512' in errors[0]
    assert not (tmp_path / 'w').exists()


def test_a_run_of_fewer_steps_than_an_epoch_gives_fewer_vectors(images, tmp_path, capsys):
    cfg = Config.fromfile(starve(images, tmp_path / 'init_all.py', 512, []))
    cfg.train_cfg = dict(by_epoch=False, max_iters=1, val_interval=9)
    config = write_config(cfg.to_dict(), tmp_path / 'init_one_step.py')
    assert run_tool('train', config, '--work-dir', tmp_path / 'w') == 2
    assert '256 vectors (1 steps of 256)' in capsys.readouterr().err


def test_too_few_distinct_vectors_end_the_run_after_an_epoch(tmp_path, capsys):
    for name in 'abcdefgh':
        (tmp_path / 'data/train').mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (16, 16), 'gray').save(tmp_path / f'data/train/{name}.png')
    (tmp_path / 'data/val').symlink_to(tmp_path / 'data/train')
    config = starve(tmp_path / 'data', tmp_path / 'init_uniform.py', 400, [])
    assert run_tool('train', config, '--work-dir', tmp_path / 'w') == 2
    error, = capsys.readouterr().err.strip().splitlines()
    assert '400 codes' in error and '512 vectors were seen' in error and 'distinct' in error
    assert not list((tmp_path / 'w').glob('*.pth'))
