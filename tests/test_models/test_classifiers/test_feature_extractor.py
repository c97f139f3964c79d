"""FeatureExtractor on backbones of several kinds."""

import pytest
import torch
from mmpretrain.structures import DataSample

from peco.registry import MODELS

VIT = dict(type='peco.PeCoViT', arch=dict(embed_dims=16, num_layers=2, num_heads=2), img_size=32,
           patch_size=8)
MMPRETRAIN_VIT = dict(type='mmpretrain.VisionTransformer', img_size=32, patch_size=8,
                      arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32))
BACKBONES = {
    'raw': dict(VIT, out_type='raw'),
    'raw_no_cls': dict(VIT, out_type='raw', with_cls_token=False),
    'featmap': dict(VIT, out_type='featmap', out_indices=(0, 1)),
    'avg': dict(VIT, out_type='avg_featmap'),
    'cls': dict(VIT, out_type='cls_token'),
    'mmpretrain_vit_cls': dict(MMPRETRAIN_VIT, out_type='cls_token'),
    'mmpretrain_vit_raw': dict(MMPRETRAIN_VIT, out_type='raw'),
    'resnet': dict(type='mmpretrain.ResNet', depth=18, stem_channels=16, base_channels=4),
}


def build(backbone, **kwargs):
    torch.manual_seed(0)
    return MODELS.build(dict(type='peco.FeatureExtractor', backbone=backbone, **kwargs)).eval()


@pytest.mark.parametrize('name', BACKBONES)
def test_one_vector_an_image(name):
    model = build(BACKBONES[name])
    samples = [DataSample().set_gt_label(i) for i in range(3)]
    images = torch.randn(3, 3, 32, 32)
    predicted = model(images, samples, mode='predict')
    assert [s.gt_label.item() for s in predicted] == [0, 1, 2]
    features = torch.stack([s.feature for s in predicted])
    assert features.ndim == 2 and features.dtype == torch.float32
    assert torch.equal(features, model(images))


@pytest.mark.parametrize('name', ['raw', 'mmpretrain_vit_raw'])
def test_the_class_token_is_no_patch(name):
    model = build(BACKBONES[name])
    images = torch.randn(3, 3, 32, 32)
    tokens = model.backbone(images)[-1]
    torch.testing.assert_close(model(images), tokens[:, 1:].mean(1))
    model.pool = 'cls'
    assert torch.equal(model(images), tokens[:, 0])


def test_features_equal_those_of_the_pretrainer():
    backbone = dict(VIT, out_type='raw', mask_token=True)
    model = build(backbone)
    pretrainer = MODELS.build(dict(
        type='peco.PeCo', backbone=model.backbone,
        head=dict(type='peco.MIMHead', embed_dims=16, num_classes=4)))
    images = torch.randn(3, 3, 32, 32)
    assert torch.equal(model(images), pretrainer(images))
    assert torch.equal(model([images, images]), model(images))


def test_test_step_from_bytes():
    model = build(BACKBONES['raw'], data_preprocessor=dict(
        mean=[10., 20., 30.], std=[2., 2., 2.], to_rgb=True))
    pixels = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    predicted = model.test_step(dict(inputs=pixels, data_samples=[DataSample(), DataSample()]))
    mean = torch.tensor([10., 20., 30.]).view(3, 1, 1)
    wanted = model((pixels.flip(1).float() - mean) / 2)
    torch.testing.assert_close(torch.stack([s.feature for s in predicted]), wanted)


def test_errors():
    with pytest.raises(ValueError, match="got 'max'"):
        build(BACKBONES['raw'], pool='max')
    with pytest.raises(ValueError, match='does not train'):
        build(BACKBONES['raw'])(torch.zeros(1, 3, 32, 32), mode='loss')
