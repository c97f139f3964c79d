import pytest
import timm
import torch

from peco.models.perceptual import TimmFeatures

VIT = dict(model_name='vit_tiny_patch16_224', model_kwargs=dict(img_size=32, depth=3,
                                                                embed_dim=24))


@pytest.mark.parametrize('kwargs, indices, shapes', [
    (dict(model_name='resnet10t'), (1, -1), [(64, 8, 8), (512, 1, 1)]),
    (dict(model_name='convnext_atto'), (0, 1), [(40, 8, 8), (80, 4, 4)]),
    (VIT, (0, 2), [(24, 2, 2)] * 2),
    (dict(model_name='deit_tiny_distilled_patch16_224', model_kwargs=VIT['model_kwargs']),
     (0, 2), [(24, 2, 2)] * 2),
    (dict(model_name='beit_base_patch16_224',
          model_kwargs=dict(VIT['model_kwargs'], num_heads=3)), (2, ), [(24, 2, 2)]),
], ids=['resnet', 'convnext', 'vit', 'deit', 'beit'])
def test_feature_maps_of_convnets_and_transformers(kwargs, indices, shapes):
    network = TimmFeatures(out_indices=indices, allow_random=True, **kwargs)
    features = network(torch.rand(1, 3, 32, 32))
    assert [tuple(feature.shape[1:]) for feature in features] == shapes
    assert not any(p.requires_grad for p in network.parameters()) and not network.model.training


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_checkpoint_with_a_classifier(tmp_path, suffix):
    torch.manual_seed(0)
    trained = timm.create_model('resnet10t', num_classes=7).eval()
    path = str(tmp_path / f'f{suffix}')
    if suffix == '.pth':
        torch.save(trained.state_dict(), path)
    else:
        from safetensors.torch import save_file
        save_file(trained.state_dict(), path)
    network = TimmFeatures('resnet10t', (1, 2), checkpoint=path, mean=(0.5, ) * 3,
                           std=(0.5, ) * 3)
    x = torch.rand(1, 3, 32, 32)
    expected = trained.forward_intermediates(x * 2 - 1, indices=[1, 2], intermediates_only=True)
    for feature, other in zip(network(x), expected, strict=True):
        torch.testing.assert_close(feature, other)
    with pytest.raises(ValueError, match='does not fit'):
        TimmFeatures('resnet14t', (1, 2), checkpoint=path)


def test_normalisation_defaults_to_that_of_the_model():
    network = TimmFeatures(out_indices=(0, ), allow_random=True, **VIT)
    assert network.mean.flatten().tolist() == [0.5, 0.5, 0.5]
    network = TimmFeatures('resnet10t', (0, ), allow_random=True)
    assert network.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match='needs trained weights'):
        TimmFeatures('resnet10t', (1, ))
    with pytest.raises(ValueError, match="no model 'resnet99'"):
        TimmFeatures('resnet99', (1, ), allow_random=True)
    with pytest.raises(ValueError, match='vgg11 cannot give intermediate features'):
        with torch.device('meta'):
            TimmFeatures('vgg11', (1, ), allow_random=True)
    with pytest.raises(FileNotFoundError, match='gone.pth'):
        TimmFeatures('resnet10t', (1, ), checkpoint=str(tmp_path / 'gone.pth'))
