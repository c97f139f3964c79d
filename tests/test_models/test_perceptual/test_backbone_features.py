import pytest
import torch

from peco.models.perceptual import BackboneFeatures
from peco.registry import MODELS
from tests.test_models.test_perceptual.networks import NORM, PECO_VIT, RESNET, VIT


@pytest.mark.parametrize('backbone, shapes', [
    (RESNET, [(4, 16, 16), (8, 8, 8), (16, 4, 4), (32, 2, 2)]),
    (dict(RESNET, type='mmpretrain.ResNet'), [(4, 4, 4), (8, 2, 2), (16, 1, 1), (32, 1, 1)]),
    (VIT, [(8, 4, 4)] * 2),
    (PECO_VIT, [(8, 4, 4)] * 2),
], ids=['resnet_cifar', 'resnet', 'vit', 'peco_vit'])
def test_feature_maps_of_each_depth(backbone, shapes):
    network = BackboneFeatures(backbone, allow_random=True, **NORM)
    features = network(torch.rand(2, 3, 16, 16))
    assert [tuple(feature.shape[1:]) for feature in features] == shapes
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.backbone.training


def test_class_token_output_is_refused():
    network = BackboneFeatures(dict(VIT, out_type='cls_token'), allow_random=True, **NORM)
    with pytest.raises(ValueError, match="out_type='featmap'"):
        network(torch.rand(1, 3, 16, 16))


@pytest.mark.parametrize('form', ['bare', 'runner'])
def test_checkpoint(tmp_path, form):
    torch.manual_seed(0)
    trained = MODELS.build(RESNET)
    trained.eval()  # mmpretrain's ResNet returns None here
    state = trained.state_dict()
    if form == 'runner':
        state = {f'backbone.{name}': value for name, value in state.items()}
        state = dict(state_dict=dict(state, **{'head.weight': torch.zeros(1)}), meta={})
    torch.save(state, tmp_path / 'f.pth')
    network = BackboneFeatures(RESNET, checkpoint=str(tmp_path / 'f.pth'), **NORM)
    x = torch.rand(1, 3, 16, 16)
    mean, std = (torch.tensor(NORM[name]).view(1, 3, 1, 1) for name in ('mean', 'std'))
    for feature, expected in zip(network(x), trained((x - mean) / std), strict=True):
        assert torch.equal(feature, expected)
    other = dict(RESNET, base_channels=8)
    with pytest.raises(ValueError, match='does not fit this ResNet_CIFAR.*instead of'):
        BackboneFeatures(other, checkpoint=str(tmp_path / 'f.pth'), **NORM)


def test_random_weights_only_when_asked_for(tmp_path):
    with pytest.raises(ValueError, match='needs trained weights.*allow_random=True'):
        BackboneFeatures(RESNET, **NORM)
    with pytest.raises(FileNotFoundError, match='gone.pth'):
        BackboneFeatures(RESNET, checkpoint=str(tmp_path / 'gone.pth'), **NORM)
