import pytest
from mmengine.registry import build_from_cfg
from torch.utils.data import DataLoader, Dataset

from peco.datasets.transforms import LoadImage
from peco.engine.refusal import refusal
from peco.models.quantizers import EMAQuantizer
from peco.registry import MODELS
from peco.utils import load_checkpoint
from peco.utils.psnr import psnr


def caught(function, *args, **kwargs):
    """The refusal of what a call raises."""
    with pytest.raises(Exception) as info:
        function(*args, **kwargs)
    return refusal(info.value)


def test_what_a_raise_statement_of_the_product_says_is_repeated():
    assert caught(EMAQuantizer, 0, 4) == 'codebook_size must be at least 1, got 0.'
    assert caught(MODELS.build, dict(type='peco.EMAQuantizer', codebook_size=0, code_dim=4)) == (
        'codebook_size must be at least 1, got 0.')
    assert caught(load_checkpoint, '/none.pth').startswith("checkpoint '/none.pth' does not exist")


def test_faults_of_the_code_are_not_refusals():
    def elsewhere():
        raise ValueError('raised elsewhere')

    # A comparison inside the product's code fails, no raise statement.
    assert caught(EMAQuantizer, 8, 4, decay='slow') is None
    assert caught(psnr, None, None) is None
    assert caught(elsewhere) is None
    assert refusal(ValueError('never raised')) is None


def test_a_cause_of_another_package_does_not_hide_the_refusal(tmp_path):
    (tmp_path / 'a.png').write_text('no image')
    message = caught(LoadImage(on_error='raise'), dict(img_path=str(tmp_path / 'a.png')))
    assert message.startswith(f"cannot read image {tmp_path / 'a.png'}: ")


def test_names_and_arguments_that_a_registry_cannot_use():
    assert caught(MODELS.build, dict(type='peco.Nothing')).startswith(
        "the config names 'peco.Nothing', which is not in the registry")
    quantizer = dict(type='peco.EMAQuantizer', code_dim=4)
    assert caught(MODELS.build, quantizer) == (
        "EMAQuantizer needs 'codebook_size': set it in the config")
    assert caught(MODELS.build, dict(quantizer, codebook_size=2, code_dims=3)) == (
        "EMAQuantizer takes no 'code_dims': take that key out of the config")
    assert caught(build_from_cfg, 3, MODELS) is None


def test_arguments_that_a_base_class_does_not_take():
    image_folder = dict(type='peco.ImageFolder', data_root='/none', lazy=True)
    from peco.registry import DATASETS
    assert caught(DATASETS.build, image_folder).endswith(
        "takes no 'lazy': take that key out of the config")


def test_a_path_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').touch()
    assert caught((tmp_path / 'file/folder').mkdir) == (
        f"'{tmp_path / 'file/folder'}' cannot be written or read: Not a directory")


class Unreadable(Dataset):
    """Fails in a worker, by a raise statement of the product or of this file."""

    def __init__(self, path):
        self.path = path

    def __len__(self):
        return 1

    def __getitem__(self, index):
        if self.path is None:
            raise ValueError('raised by a test')
        return LoadImage(on_error='raise')(dict(img_path=self.path))


def test_errors_of_a_worker():
    def first(path):
        return next(iter(DataLoader(Unreadable(path), num_workers=1)))

    assert caught(first, '/none.png').startswith('cannot read image /none.png: ')
    assert caught(first, None) is None


def test_a_data_set_without_images(tmp_path):
    pytest.importorskip('mmseg')
    from mmseg.datasets import BaseSegDataset
    (tmp_path / 'a.png').touch()
    prefix = dict(img_path='', seg_map_path='')
    message = caught(BaseSegDataset, data_root=str(tmp_path), data_prefix=prefix)
    assert message.startswith("data set BaseSegDataset finds no image in ")
    assert str(tmp_path) in message and "img_suffix='.jpg'" in message


@pytest.mark.parametrize('rank', [0, 1])
def test_one_rank_of_a_machine_speaks_first(rank, monkeypatch, capsys):
    """A launcher stops the others when the first one ends; they speak if it met no fault."""
    from peco.engine import cli
    waits = []
    monkeypatch.setattr(cli.time, 'sleep', waits.append)
    monkeypatch.setattr(cli, 'rank_from_environment', lambda: (rank, rank))
    with pytest.raises(SystemExit) as stop, cli.readable_errors():
        raise cli.ConfigError('a fault')
    assert stop.value.code == 2 and waits == [60] * rank
    assert capsys.readouterr().err == 'error: a fault\n'
