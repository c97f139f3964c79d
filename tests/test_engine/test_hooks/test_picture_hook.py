import numpy as np
import pytest
import torch
from PIL import Image

from peco.engine.hooks import PictureHook
from peco.engine.hooks.picture_hook import draw_model
from peco.utils import load_checkpoint
from tests.toy_configs import pretrain_config, run_tool, tokenizer_config, write_config


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


@pytest.mark.parametrize('stage', ['tokenizer', 'pretrain'])
def test_training_goes_on_as_if_no_picture_had_been_drawn(images, tmp_path, tokenizer_run, stage):
    """Masked image modelling draws a mask for each image, after the picture as well."""
    cfg = tokenizer_config(images) if stage == 'tokenizer' else pretrain_config(
        images, tokenizer_run / 'epoch_2.pth')
    for loader in ('train_dataloader', 'val_dataloader'):
        if cfg.get(loader):
            cfg[loader].update(num_workers=0, persistent_workers=False)
    states = []
    for hooks in ([], [dict(type='peco.PictureHook')]):
        cfg['custom_hooks'] = hooks
        folder = tmp_path / f'{stage}{len(hooks)}'
        config = write_config(cfg, tmp_path / f'{stage}{len(hooks)}.py')
        assert run_tool('train', config, '--work-dir', folder) == 0
        assert (folder / 'pictures').exists() == bool(hooks)
        states.append(load_checkpoint(folder / 'epoch_2.pth')['state_dict'])
    plain, drawn = states
    for name, value in plain.items():
        assert torch.equal(value, drawn[name]), name


def test_the_accuracy_counts_masked_positions_alone(monkeypatch):
    class Model(torch.nn.Module):
        tokenizer = torch.nn.Identity()

        def tokenize(self, images):
            return torch.tensor([[[0, 1], [2, 3]]])

        def predict_tokens(self, inputs, masks):
            return torch.tensor([[[0, 9], [2, 3]]])

    seen = []
    monkeypatch.setattr('peco.engine.hooks.picture_hook.masked_prediction_grid',
                        lambda *args: seen.append(args[4]))
    draw_model(Model(), [None, torch.zeros(1, 3, 4, 4)],
               [dict(mask=np.array([[0, 1], [1, 0]], np.uint8))], '')
    assert seen == [[50.]]


def test_bad_arguments():
    with pytest.raises(ValueError, match='interval=0 of PictureHook'):
        PictureHook(interval=0)
    with pytest.raises(ValueError, match='num_images=0'):
        PictureHook(num_images=0)


def test_other_models_are_refused():
    with pytest.raises(TypeError, match='Linear is neither'):
        draw_model(torch.nn.Linear(1, 1), torch.zeros(1), None, '')
