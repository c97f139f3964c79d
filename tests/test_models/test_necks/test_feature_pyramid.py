"""The pyramid: sizes, numbers, parameters, and its place in mmdet's and mmseg's registries."""

import pytest
import torch
from mmengine.registry import MODELS as ROOT
from mmengine.registry import DefaultScope
from torch import nn

from peco.models.necks import FeaturePyramid


def maps(count=4, size=(6, 10), channels=4):
    gen = torch.Generator().manual_seed(0)
    return [torch.randn(2, channels, *size, generator=gen) for _ in range(count)]


@pytest.mark.parametrize('source', ['each', 'last'])
@pytest.mark.parametrize('size, small', [((6, 10), (3, 5)), ((5, 7), (3, 4)), ((1, 2), (1, 1))])
def test_strides(source, size, small):
    neck = FeaturePyramid(4, source=source)
    outs = neck(maps(4 if source == 'each' else 1, size))
    h, w = size
    assert [tuple(out.shape) for out in outs] == [
        (2, 4, 4 * h, 4 * w), (2, 4, 2 * h, 2 * w), (2, 4, h, w), (2, 4, *small)]


def test_each_level_reads_its_own_map():
    neck, inputs = FeaturePyramid(4).eval(), maps()
    outs = neck(inputs)
    assert outs[2] is inputs[2]
    assert torch.equal(outs[3], nn.functional.max_pool2d(inputs[3], 2))
    for i in range(4):
        other = list(inputs)
        other[i] = other[i] + 1
        changed = [not torch.equal(a, b) for a, b in zip(outs, neck(other), strict=True)]
        assert changed == [j == i for j in range(4)]


def test_equals_the_pyramid_of_mmseg_on_the_same_weights():
    pytest.importorskip('mmseg')
    from mmseg.models.necks import Feature2Pyramid
    theirs = Feature2Pyramid(4, norm_cfg=dict(type='BN'))
    ours = FeaturePyramid(4)
    ours.levels[0].load_state_dict(theirs.upsample_4x.state_dict())
    ours.levels[1].load_state_dict(theirs.upsample_2x.state_dict())
    for found, wanted in zip(ours(maps()), theirs(maps()), strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize('source', ['each', 'last'])
def test_every_parameter_gets_a_gradient(source):
    neck = FeaturePyramid(4, source=source)
    outs = neck(maps(4 if source == 'each' else 1))
    sum((out * torch.randn_like(out)).sum() for out in outs).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in neck.parameters())


def test_levels_that_are_not_asked_for_do_not_exist():
    neck = FeaturePyramid(4, scales=(2, 1, 0.25), norm_cfg=None)
    assert sum(p.numel() for p in neck.parameters()) == 4 * 4 * 2 * 2 + 4
    assert [out.shape[-2:] for out in neck(maps(3, (8, 8)))] == [(16, 16), (8, 8), (2, 2)]
    norms = [m for m in FeaturePyramid(32, norm_cfg=dict(type='GN', num_groups=4)).modules()
             if isinstance(m, (nn.GroupNorm, nn.BatchNorm2d))]
    assert [type(norm) for norm in norms] == [nn.GroupNorm]


@pytest.mark.parametrize('source, count, message', [
    ('each', 1, 'takes 4 map.*gives 1'), ('last', 4, 'takes 1 map.*gives 4')])
def test_another_number_of_maps_is_refused(source, count, message):
    with pytest.raises(ValueError, match=message):
        FeaturePyramid(4, source=source)(maps(count))


@pytest.mark.parametrize('kwargs, message', [
    (dict(scales=(3, )), 'powers of two, got 3'), (dict(scales=(0, )), 'powers of two, got 0'),
    (dict(source='first'), "got 'first'")])
def test_wrong_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        FeaturePyramid(4, **kwargs)


@pytest.mark.parametrize('scope', ['mmdet', 'mmseg', 'mmpretrain'])
def test_built_by_name_in_the_scope_of_each_host(scope):
    pytest.importorskip(scope)
    with DefaultScope.overwrite_default_scope(scope):
        neck = ROOT.build(dict(type='peco.FeaturePyramid', in_channels=4))
        vit = ROOT.build(dict(
            type='peco.PeCoViT', arch=dict(embed_dims=4, num_layers=4, num_heads=1),
            patch_size=8, img_size=32, out_indices=(0, 1, 2, 3), out_type='featmap'))
    assert len(neck(vit(torch.randn(2, 3, 30, 41)))) == 4


def test_mmdets_pyramid_follows():
    pytest.importorskip('mmdet')
    from mmdet.registry import MODELS
    neck = MODELS.build([
        dict(type='peco.FeaturePyramid', in_channels=4, source='last'),
        dict(type='mmdet.FPN', in_channels=[4] * 4, out_channels=8, num_outs=5)])
    sizes = [tuple(out.shape[1:]) for out in neck(maps(1, (5, 7)))]
    assert sizes == [(8, 20, 28), (8, 10, 14), (8, 5, 7), (8, 3, 4), (8, 2, 2)]
