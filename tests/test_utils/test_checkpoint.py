import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from peco.utils.checkpoint import CheckpointError, load_checkpoint, register_safe_globals


class RunsCommand:
    """A pickle that would run a command when it is read."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f'touch {self.marker}', )


class ReachesForAttributes:
    """A pickle that asks for an attribute that is none of a log."""

    def __reduce__(self):
        return getattr, (np.ndarray, 'tofile')


def test_checkpoint_of_a_runner_loads_weights_only(classifier_run):
    path = classifier_run / 'epoch_2.pth'
    checkpoint = load_checkpoint(path)
    losses = checkpoint['message_hub']['log_scalars']['train/loss']
    assert len(losses.data[0]) == 4
    assert losses.statistics('max') == losses.data[0].max()
    assert {'state_dict', 'optimizer', 'meta'} <= set(checkpoint)


def test_without_the_registered_types_the_same_file_is_refused(classifier_run):
    path = classifier_run / 'epoch_2.pth'
    try:
        torch.serialization.clear_safe_globals()
        with pytest.raises(pickle.UnpicklingError):
            torch.load(path)
    finally:
        register_safe_globals()
    assert torch.load(path)['meta']['epoch'] == 2


def test_mmengine_never_asks_for_unsafe_loading(classifier_run, monkeypatch):
    asked = []
    original = torch.load
    monkeypatch.setattr(torch, 'load', lambda *args, **kwargs: asked.append(kwargs) or original(
        *args, **kwargs))
    CheckpointLoader.load_checkpoint(str(classifier_run / 'epoch_2.pth'), map_location='cpu')
    assert [kwargs['weights_only'] for kwargs in asked] == [True]


@pytest.mark.parametrize('load', [
    load_checkpoint,
    lambda path: CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
])
def test_a_pickle_that_runs_a_command_is_refused_and_not_run(tmp_path, load):
    marker, path = tmp_path / 'marker', tmp_path / 'evil.pth'
    torch.save(dict(state_dict=dict(weight=torch.ones(1)), extra=RunsCommand(marker)), path)
    with pytest.raises(CheckpointError, match=r"evil.pth' was refused.*posix.system"):
        load(path)
    assert not marker.exists()


def test_getattr_is_no_way_in(tmp_path):
    path = tmp_path / 'evil.pth'
    torch.save(dict(extra=ReachesForAttributes()), path)
    with pytest.raises(CheckpointError, match='getattr'):
        load_checkpoint(path)


def test_missing_file_names_path_and_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.pth' does not exist. Make it with: do it"):
        load_checkpoint(tmp_path / 'none.pth', made_by='do it')
    with pytest.raises(FileNotFoundError, match='is a folder'):
        load_checkpoint(tmp_path)


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
@pytest.mark.parametrize('damage', ['cut', 'empty', 'text', 'pickle'])
def test_damaged_file_is_named(classifier_run, tmp_path, damage):
    content = dict(
        cut=(classifier_run / 'epoch_2.pth').read_bytes()[:2000], empty=b'', text=b'<html>404',
        pickle=pickle.dumps(dict(weight=1)))[damage]
    path = tmp_path / 'broken.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"broken.pth' \({len(content):,} bytes\)"):
        load_checkpoint(path)


def test_safetensors(tmp_path):
    from safetensors.torch import save_file
    path = tmp_path / 'weights.safetensors'
    save_file(dict(weight=torch.arange(3.)), path)
    assert load_checkpoint(path)['state_dict']['weight'].tolist() == [0, 1, 2]
    path.write_bytes(b'no tensors')
    with pytest.raises(CheckpointError, match='damaged'):
        load_checkpoint(path)
