import numpy as np
from PIL import Image

from tests.toy_configs import run_tool


def test_a_tokenizer_shows_reconstructions(tokenizer_run, tmp_path):
    assert run_tool('test', tokenizer_run / 'shared_tokenizer.py', tokenizer_run / 'epoch_2.pth',
                    '--work-dir', tmp_path, '--show-dir', tmp_path / 'show') == 0
    picture = np.asarray(Image.open(tmp_path / 'show/reconstructions.png'))
    assert picture.ndim == 3 and picture.std() > 10


def test_a_classifier_shows_predictions(classifier_run, tmp_path):
    assert run_tool('test', classifier_run / 'shared_classifier.py', classifier_run / 'epoch_2.pth',
                    '--work-dir', tmp_path, '--show-dir', tmp_path / 'show') == 0
    picture = np.asarray(Image.open(tmp_path / 'show/predictions.png')).astype(int)
    # Captions in green or red, and the two gray levels of the classes.
    assert (np.abs(picture[..., 0] - picture[..., 1]) > 60).any()
    assert {'dark', 'light'} == {'dark' if level < 125 else 'light' for level in (
        picture[40:180, 12:150].mean(), picture[40:180, -150:-12].mean())}
