import numpy as np
import pytest
from PIL import Image

from tests.toy_configs import run_tool


@pytest.fixture
def image(images):
    return images / 'val/dark/0.png'


@pytest.mark.parametrize('name, rows', [('tokenizer', 3), ('vq_kd', 2)])
def test_tokenizer(name, rows, image, tmp_path, capsys, request):
    folder = request.getfixturevalue(f'{name}_run')
    out = tmp_path / 'tokens.png'
    assert run_tool('infer', folder / f'shared_{name}.py', folder / 'epoch_2.pth', image, '--out',
                    out) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(i for i, line in enumerate(lines) if '8 x 8 tokens out of 8' in line)
    assert all(len(line.split()) == 8 for line in lines[first + 1:first + 9])
    assert rows * 144 < Image.open(out).size[1] < (rows + 1) * 144


def test_classifier(classifier_run, image, capsys):
    assert run_tool('infer', classifier_run / 'shared_classifier.py',
                    classifier_run / 'epoch_2.pth', image) == 0
    out = capsys.readouterr().out
    assert 'dark' in out and 'light' in out and '%' in out


def test_pretrained_model(pretrain_run, image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_tool('infer', pretrain_run / 'shared_pretrain.py', pretrain_run / 'epoch_2.pth',
                    image) == 0
    assert np.load(tmp_path / '0_features.npy').shape == (8, )


def test_faults(tokenizer_run, classifier_run, image, tmp_path, capsys):
    config = tokenizer_run / 'shared_tokenizer.py'
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no image')
    for checkpoint, picture, message in (
        (tmp_path / 'none.pth', image, 'none.pth'),
        (classifier_run / 'epoch_2.pth', image, 'epoch_2.pth'),
        (tokenizer_run / 'epoch_2.pth', tmp_path / 'none.png', 'none.png'),
        (tokenizer_run / 'epoch_2.pth', broken, 'broken.png'),
    ):
        assert run_tool('infer', config, checkpoint, picture, '--out', tmp_path / 'out.png') == 2
        errors = capsys.readouterr().err
        assert message in errors and 'Traceback' not in errors
    assert not (tmp_path / 'out.png').exists()


@pytest.mark.parametrize('run, options, message', [
    ('tokenizer', ['--device', 'cuda:99'], '--device cuda:99: this machine has'),
    ('tokenizer', ['--device', 'gpu'], '--device gpu: there is no such device'),
    ('tokenizer', ['--out', 'x.txt'], '--out x.txt: the picture of a tokenizer is a .png file'),
    ('pretrain', ['--out', 'y.txt'], '--out y.txt: the feature vector is a .npy file'),
    ('classifier', ['--out', 'z.txt'], '--out z.txt: classes are printed'),
])
def test_device_and_name_are_checked_first(run, options, message, request, image, tmp_path,
                                           monkeypatch, capsys):
    folder = request.getfixturevalue(f'{run}_run')
    monkeypatch.chdir(tmp_path)
    assert run_tool('infer', folder / f'shared_{run}.py', folder / 'epoch_2.pth', image,
                    *options) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and message in errors[0] and not list(tmp_path.iterdir())


def test_a_folder_is_no_image(tokenizer_run, image, capsys):
    assert run_tool('infer', tokenizer_run / 'shared_tokenizer.py', tokenizer_run / 'epoch_2.pth',
                    image.parent) == 2
    assert 'is a folder' in capsys.readouterr().err
