import pytest
import torch

from peco.models.perceptual import BackboneFeatures, PerceptualNetwork, save_network
from tests.test_models.test_perceptual.networks import NORM, PECO_VIT, RESNET, VIT


def _save(path, backbone=RESNET):
    torch.manual_seed(0)
    network = BackboneFeatures(backbone, allow_random=True, **NORM)
    save_network(path, backbone, network.backbone.state_dict(), source='ssl.py', **NORM)
    return network


@pytest.mark.parametrize('backbone', [RESNET, VIT, PECO_VIT], ids=['resnet', 'vit', 'peco_vit'])
def test_file_gives_the_same_network(tmp_path, backbone):
    path = str(tmp_path / 'new' / 'folder' / 'f.pth')
    saved = _save(path, backbone)
    loaded = PerceptualNetwork(path)
    x = torch.rand(2, 3, 16, 16)
    for feature, expected in zip(loaded(x), saved(x), strict=True):
        assert torch.equal(feature, expected)
    assert loaded.source == 'ssl.py' and len(loaded.fingerprint) == 64


def test_writing_leaves_no_partial_file(tmp_path, monkeypatch):
    path = tmp_path / 'f.pth'
    _save(path)
    before = path.read_bytes()

    def fail(content, target):
        target.write_bytes(b'half')
        raise OSError('disk full')

    monkeypatch.setattr('peco.models.perceptual.network_file.torch.save', fail)
    with pytest.raises(OSError, match='disk full'):
        _save(path)
    assert [item.name for item in tmp_path.iterdir()] == ['f.pth']
    assert path.read_bytes() == before


def test_missing_file_tells_the_command(tmp_path):
    path = str(tmp_path / 'f.pth')
    with pytest.raises(FileNotFoundError) as error:
        PerceptualNetwork(path)
    assert path in str(error.value) and 'tools/export_perceptual.py' in str(error.value)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / 'f.pth'
    torch.save(dict(state_dict={}), path)
    with pytest.raises(ValueError, match='not the file of a perceptual network'):
        PerceptualNetwork(str(path))
    _save(path)
    content = torch.load(path, weights_only=True)
    content['state_dict']['conv1.weight'] += 1
    torch.save(content, path)
    with pytest.raises(ValueError, match='weights .* are not those'):
        PerceptualNetwork(str(path))
    for version in (99, None):
        torch.save(dict(content, version=version), path)
        with pytest.raises(ValueError, match=f'version {version}'):
            PerceptualNetwork(str(path))
    del content['version']
    torch.save(content, path)
    with pytest.raises(ValueError, match='version None'):
        PerceptualNetwork(str(path))
