import importlib.util
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
import torch
from mmengine.registry import init_default_scope

import peco  # noqa: F401
from peco.models.perceptual import PerceptualNetwork
from peco.registry import MODELS

TOOL = Path(__file__).parents[2] / 'tools' / 'export_perceptual.py'
MEAN, STD = [125.3, 123., 113.9], [63., 62.1, 66.7]

SIMCLR = '''
default_scope = 'mmpretrain'
model = dict(
    type='SimCLR',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4,
                  out_indices=(3, ), init_cfg=dict(type='Kaiming', layer='Conv2d'),
                  norm_cfg=dict(type='BN')),
    neck=dict(type='NonLinearNeck', in_channels=32, hid_channels=8, out_channels=8),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2))
data_preprocessor = dict(
    type='SelfSupDataPreprocessor', mean=[125.3, 123., 113.9], std=[63., 62.1, 66.7], to_rgb=True)
'''

MOCO = '''
default_scope = 'mmpretrain'
arch = dict(embed_dims=8, num_layers=6, num_heads=2, feedforward_channels=16)
neck = dict(type='NonLinearNeck', in_channels=8, hid_channels=8, out_channels=8, num_layers=2,
            with_bias=False, with_last_bn=True, with_last_bn_affine=False, with_last_bias=False,
            with_avg_pool=False)
model = dict(
    type='MoCoV3',
    base_momentum=0.01,
    backbone=dict(type='MoCoV3ViT', arch=arch, img_size=16, patch_size=4, stop_grad_conv1=True,
                  out_type='cls_token'),
    neck=neck,
    head=dict(type='MoCoV3Head', predictor=neck, loss=dict(type='CrossEntropyLoss'),
              temperature=0.2),
    data_preprocessor=dict(type='SelfSupDataPreprocessor', mean=[125.3, 123., 113.9],
                           std=[63., 62.1, 66.7], to_rgb=True))
'''


@pytest.fixture(autouse=True)
def scope():
    """That of the configs, whatever an earlier test left."""
    init_default_scope('mmpretrain')


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('export_perceptual', TOOL)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, 'path', [str(TOOL.parent), *sys.path]):
        spec.loader.exec_module(module)
    return module


def _train(tmp_path, text):
    """A config file and a checkpoint with the keys of a Runner's; the weights are random."""
    config = tmp_path / 'ssl.py'
    config.write_text(text)
    scope = {}
    exec(text, scope)
    torch.manual_seed(0)
    model = MODELS.build(dict(scope['model'], type=f'mmpretrain.{scope["model"]["type"]}'))
    for name, value in model.named_buffers():
        if 'running' in name:
            value.uniform_(0.5, 1.5)
    for value in model.parameters():
        value.data += 0.02 * torch.randn_like(value)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1)), tmp_path / 'epoch_1.pth')
    return model.eval(), str(config), str(tmp_path / 'epoch_1.pth'), str(tmp_path / 'f.pth')


def _normalised(x):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (x * 255 - mean) / std


def test_features_of_a_convnet_are_those_of_the_source(tmp_path, tool, capsys):
    model, config, checkpoint, out = _train(tmp_path, SIMCLR)
    tool.export(config, checkpoint, out)
    network = PerceptualNetwork(out)
    x = torch.rand(2, 3, 16, 16)
    model.backbone.out_indices = (0, 1, 2, 3)
    normalised = (x - network.mean) / network.std
    for feature, expected in zip(network(x), model.backbone(normalised), strict=True):
        assert torch.equal(feature, expected)
    torch.testing.assert_close(normalised, _normalised(x), atol=1e-5, rtol=1e-5)
    printed = capsys.readouterr().out
    for word in (out, 'mmpretrain.ResNet_CIFAR', config, network.fingerprint, '32 x'):
        assert word in printed
    assert network.source == config


@pytest.mark.parametrize('momentum', [False, True])
def test_transformer_and_its_momentum_encoder(tmp_path, tool, momentum):
    model, config, checkpoint, out = _train(tmp_path, MOCO)
    tool.export(config, checkpoint, out, momentum=momentum)
    network = PerceptualNetwork(out)
    # Four evenly spaced blocks of six.
    assert network.backbone.out_indices == [0, 2, 3, 5]
    source = model.momentum_encoder.module[0] if momentum else model.backbone
    # The last block as raw as the others, not through the final norm.
    source.out_type, source.out_indices, source.final_norm = 'featmap', [0, 2, 3, 5], False
    source.ln1.weight.data.fill_(0.01)
    x = torch.rand(2, 3, 16, 16)
    features = network(x)
    assert all(feature.shape == (2, 8, 4, 4) for feature in features)
    with torch.no_grad():
        for feature, expected in zip(features, source((x - network.mean) / network.std),
                                     strict=True):
            assert torch.equal(feature, expected)
    other = model.backbone if momentum else model.momentum_encoder.module[0]
    assert not torch.equal(other.patch_embed.projection.weight,
                           network.backbone.patch_embed.projection.weight)


def test_peco_vit_without_the_blocks_behind_the_last_output(tmp_path, tool):
    text = MOCO.replace("type='MoCoV3ViT'", "type='peco.PeCoViT'").replace(
        ' stop_grad_conv1=True,', '')
    config, checkpoint, out = tmp_path / 'ssl.py', tmp_path / 'e.pth', str(tmp_path / 'f.pth')
    config.write_text(text)
    scope = {}
    exec(text, scope)
    backbone = MODELS.build(scope['model']['backbone'])
    torch.save({f'backbone.{name}': value for name, value in backbone.state_dict().items()},
               checkpoint)
    tool.export(str(config), str(checkpoint), out, out_indices=[1, 3])
    network = PerceptualNetwork(out)
    assert len(network.backbone.blocks) == 4
    assert len(network(torch.rand(1, 3, 16, 16))) == 2


def test_chosen_depths(tmp_path, tool):
    _, config, checkpoint, out = _train(tmp_path, SIMCLR)
    tool.export(config, checkpoint, out, out_indices=[1, 3])
    assert len(PerceptualNetwork(out)(torch.rand(1, 3, 16, 16))) == 2
    with pytest.raises(ValueError, match='--out-indices must lie in 0 to 3.*got 1 4'):
        tool.export(config, checkpoint, out, out_indices=[1, 4])


@pytest.mark.parametrize('change, message', [
    (('to_rgb=True', 'to_rgb=False'), 'to_rgb=True'),
    (('data_preprocessor =', 'unused ='), 'no data_preprocessor'),
    (('backbone=', 'encoder='), 'no model.backbone'),
    (('base_channels=4', 'base_channels=8'), r'is not of .*have another shape \(layer1'),
    (('depth=18', 'depth=34'), r'is not of .*are missing \(layer1'),
])
def test_refusals_write_nothing(tmp_path, tool, change, message):
    _, config, checkpoint, out = _train(tmp_path, SIMCLR)
    text = Path(config).read_text()
    assert change[0] in text
    Path(config).write_text(text.replace(*change))
    with pytest.raises(ValueError, match=message):
        tool.export(config, checkpoint, out)
    assert not Path(out).exists()


def test_momentum_encoder_of_an_algorithm_without_one(tmp_path, tool):
    _, config, checkpoint, out = _train(tmp_path, SIMCLR)
    with pytest.raises(ValueError, match='no weights named momentum_encoder.*holds backbone'):
        tool.export(config, checkpoint, out, momentum=True)


def test_command_line(tmp_path):
    config = tmp_path / 'ssl.py'
    config.write_text(SIMCLR)
    gone, out = str(tmp_path / 'gone.pth'), str(tmp_path / 'f.pth')
    result = subprocess.run([sys.executable, TOOL, str(config), gone, out], text=True,
                            capture_output=True)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith(f"error: checkpoint '{gone}' does not exist")
    assert 'Traceback' not in result.stderr and f'tools/train.py {config}' in result.stderr
