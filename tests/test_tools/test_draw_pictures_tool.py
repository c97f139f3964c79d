import numpy as np
import pytest
import torch
from PIL import Image

from peco.utils import load_checkpoint
from tests.toy_configs import pretrain_config, run_tool, write_config


@pytest.fixture
def draw(images, pretrain_run, tmp_path):
    """Run the tool on the pretrained toy; return exit code and picture, if there is one."""

    def run(*arguments, config=pretrain_run / 'shared_pretrain.py', name='out.png'):
        out = tmp_path / name
        code = run_tool('draw_pictures', config, pretrain_run / 'epoch_2.pth', '--images',
                        images / 'val', '--num', 3, '--out', out, *arguments)
        return code, np.asarray(Image.open(out)).astype(int) if out.exists() else None

    return run


def refused(code, picture, capsys):
    """The one line of a refusal."""
    lines = capsys.readouterr().err.splitlines()
    assert (code, picture) == (2, None) and len(lines) == 1
    return lines[0]


def test_both_grids_the_same_every_time(draw, capsys):
    (code, first), (_, again) = draw(), draw(name='again.png')
    assert code == 0 and 'wrote' in capsys.readouterr().out
    assert first.shape[0] > 800 and np.array_equal(first, again)
    assert not np.array_equal(first, draw('--seed', 1, name='other.png')[1])


def test_tokens_that_give_no_images(images, vq_kd_run, tmp_path):
    out = tmp_path / 'out.png'
    assert run_tool('draw_pictures', vq_kd_run / 'shared_pretrain_vq_kd.py',
                    vq_kd_run / 'pretrain/epoch_2.pth', '--images', images / 'val', '--num', 3,
                    '--out', out) == 0
    # Original and map; original, masked input and two maps.
    assert Image.open(out).size[1] > 6 * 144


def test_the_range_of_the_tokenizer_makes_no_difference(draw):
    """The same weights, once for images in [0, 1] and once for images in [-1, 1]."""
    wide = draw('--cfg-options', 'model.tokenizer.value_range=(-1,1)', name='wide.png')[1]
    assert np.abs(draw()[1] - wide).max() <= 1


def test_another_tokenizer_is_refused(draw, tokenizer_run, tmp_path, capsys):
    loaded = load_checkpoint(tokenizer_run / 'epoch_2.pth')
    first = next(name for name in loaded['state_dict'] if name.startswith('decoder'))
    loaded['state_dict'][first] = loaded['state_dict'][first] + 1
    torch.save(loaded, tmp_path / 'other.pth')
    error = refused(*draw('--tokenizer-checkpoint', tmp_path / 'other.pth'), capsys)
    assert 'epoch_2.pth' in error and 'other.pth' in error and 'do not mean the same' in error


def test_a_config_that_is_no_pretraining_or_missing(draw, tokenizer_run, tmp_path, capsys):
    error = refused(*draw(config=tokenizer_run / 'shared_tokenizer.py'), capsys)
    assert 'is no pretraining config (model: peco.PerceptualTokenizer)' in error
    error = refused(*draw(config=tmp_path / 'none.py'), capsys)
    assert 'none.py' in error and 'does not exist' in error


def test_a_missing_tokenizer_comes_with_its_command(draw, images, tmp_path, capsys):
    path = str(tmp_path / 'tokenizer/epoch_1.pth')
    cfg = dict(pretrain_config(images, path), made_by={path: 'bash make_it.sh'})
    error = refused(*draw(config=write_config(cfg, tmp_path / 'made.py')), capsys)
    assert path in error and 'Make it with: bash make_it.sh' in error
    assert 'tokenizer.py' not in error


@pytest.mark.parametrize('arguments, message', [
    (['--num', 0], '--num 0'), (['--images', 'nowhere'], 'nowhere'),
    (['--cfg-options', 'model.head.num_clases=8'], 'num_clases')])
def test_bad_arguments(draw, arguments, message, capsys):
    assert message in refused(*draw(*arguments), capsys)


def test_the_picture_is_a_png(draw, capsys):
    assert 'must end with .png' in refused(*draw(name='out.txt'), capsys)
