import numpy as np
import pytest
import torch
from PIL import Image

from peco.engine.hooks import PictureHook
from peco.engine.hooks.picture_hook import draw_model
from peco.utils import load_checkpoint
from tests.toy_configs import run_tool, tokenizer_config, write_config


@pytest.mark.parametrize('run, pictures, stage', [
    ('tokenizer_run', 'pictures', 'tokenizer'), ('pretrain_run', 'pictures', 'pretrain'),
    ('vq_kd_run', 'pictures', 'tokenizer'), ('vq_kd_run', 'pretrain/pictures', 'pretrain')])
def test_a_picture_an_epoch(run, pictures, stage, request):
    folder = request.getfixturevalue(run) / pictures
    assert sorted(path.name for path in folder.iterdir()) == [
        f'{stage}_epoch_01.png', f'{stage}_epoch_02.png']
    first, second = (np.asarray(Image.open(path)) for path in sorted(folder.iterdir()))
    # The originals in the top row stay the same.
    assert first.shape == second.shape
    assert np.array_equal(first[40:180], second[40:180])
    assert not np.array_equal(first, second)


def test_training_goes_on_as_if_no_picture_had_been_drawn(images, tmp_path, tokenizer_run):
    cfg = tokenizer_config(images)
    cfg['custom_hooks'] = []
    config = write_config(cfg, tmp_path / 'without_pictures.py')
    assert run_tool('train', config, '--work-dir', tmp_path) == 0
    plain = load_checkpoint(tmp_path / 'epoch_2.pth')['state_dict']
    drawn = load_checkpoint(tokenizer_run / 'epoch_2.pth')['state_dict']
    for name, value in plain.items():
        assert torch.equal(value, drawn[name]), name


def test_bad_arguments():
    with pytest.raises(ValueError, match='interval=0 of PictureHook'):
        PictureHook(interval=0)
    with pytest.raises(ValueError, match='num_images=0'):
        PictureHook(num_images=0)


def test_other_models_are_refused():
    with pytest.raises(TypeError, match='Linear is neither'):
        draw_model(torch.nn.Linear(1, 1), torch.zeros(1), None, '')
