"""Learning rate and weight decay of every parameter, in each host, and where others go wrong."""

import logging
import uuid

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from torch import nn

from peco.registry import MODELS

ARCH = dict(embed_dims=8, num_layers=3, num_heads=2)
RATE = 0.5
UNDECAYED = ('bias', 'norm', 'cls_token', 'mask_token', 'pos_embed', 'gamma', '.bn.')


class Detector(nn.Module):
    """A model without get_layer_depth of its own."""

    def __init__(self, **backbone):
        super().__init__()
        self.backbone = MODELS.build(dict(
            type='peco.PeCoViT', arch=ARCH, img_size=16, patch_size=8, **backbone))
        self.neck = nn.ModuleList([nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)])
        self.head = nn.Linear(8, 2)


def build(model, constructor='peco.LayerDecayOptimWrapperConstructor', **paramwise):
    return build_optim_wrapper(model, dict(
        type='OptimWrapper', optimizer=dict(type='AdamW', lr=1., weight_decay=0.1),
        constructor=constructor, paramwise_cfg=paramwise)).optimizer


def settings(model, optimizer):
    """Rate and decay of each parameter by its name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {names[id(p)]: (group['lr'], group['weight_decay'])
             for group in optimizer.param_groups for p in group['params']}
    assert sum(len(group['params']) for group in optimizer.param_groups) == len(found)
    return found


def wanted_rate(name):
    part = name.split('.')
    if part[0] != 'backbone' or part[1] in ('norm', 'fc_norm'):
        return 1.
    return RATE**(4 - (int(part[2]) + 1 if part[1] == 'blocks' else 0))


@pytest.mark.parametrize('backbone', [
    dict(rel_pos_bias='shared', abs_pos_embed=True, mask_token=True, out_type='raw'),
    dict(rel_pos_bias='per_layer', out_type='featmap', window_size=2, global_blocks=(1, )),
    dict(out_type='featmap', out_indices=(0, 1), rel_pos_bias='per_layer')])
def test_every_parameter_of_a_detector(backbone):
    model = Detector(**backbone)
    found = settings(model, build(model, layer_decay_rate=RATE))
    assert found.keys() == dict(model.named_parameters()).keys()
    for name, (lr, decay) in found.items():
        assert lr == wanted_rate(name), name
        plain = name == 'neck.1.weight' or any(part in name for part in UNDECAYED)
        assert decay == (0. if plain else 0.1), name


@pytest.mark.parametrize('scope, build_model', [
    ('mmdet', lambda: MODELS.build(dict(
        type='mmdet.RetinaNet', backbone=dict(
            type='peco.PeCoViT', arch=ARCH, patch_size=8, img_size=16, out_indices=(0, 1, 2),
            out_type='featmap'),
        neck=dict(type='mmdet.FPN', in_channels=[8] * 3, out_channels=8, num_outs=3),
        bbox_head=dict(type='mmdet.RetinaHead', num_classes=2, in_channels=8, feat_channels=8,
                       stacked_convs=1)))),
    ('mmseg', lambda: MODELS.build(dict(
        type='mmseg.EncoderDecoder', backbone=dict(
            type='peco.PeCoViT', arch=ARCH, patch_size=8, img_size=16, out_type='featmap'),
        decode_head=dict(type='mmseg.FCNHead', in_channels=8, channels=8, num_classes=2,
                         num_convs=1, in_index=0)))),
    ('mmpretrain', lambda: MODELS.build(dict(
        type='mmpretrain.ImageClassifier', backbone=dict(
            type='peco.PeCoViT', arch=ARCH, patch_size=8, img_size=16, out_type='avg_featmap'),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=2, in_channels=8))))])
def test_in_the_scope_of_each_host(scope, build_model):
    pytest.importorskip(scope)
    from mmengine.registry import init_default_scope
    init_default_scope(scope)
    model = build_model()
    found = settings(model, build(model, layer_decay_rate=RATE))
    assert found.keys() == dict(model.named_parameters()).keys()
    assert all(lr == wanted_rate(name) for name, (lr, _) in found.items())


def test_equals_the_constructor_of_mmpretrain_on_a_classifier():
    from mmengine.registry import init_default_scope
    init_default_scope('mmpretrain')
    model = MODELS.build(dict(
        type='mmpretrain.ImageClassifier', backbone=dict(
            type='peco.PeCoViT', arch=ARCH, patch_size=8, img_size=16, out_type='avg_featmap',
            rel_pos_bias='per_layer'),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=2, in_channels=8)))
    theirs = build(
        model, 'mmpretrain.LearningRateDecayOptimWrapperConstructor', layer_decay_rate=RATE,
        bias_decay_mult=0., norm_decay_mult=0., flat_decay_mult=0., custom_keys={
            key: dict(decay_mult=0.)
            for key in ('cls_token', 'pos_embed', 'relative_position_bias_table')})
    ours = build(model, layer_decay_rate=RATE)
    assert settings(model, ours) == settings(model, theirs)
    assert len(ours.param_groups) < len(theirs.param_groups) / 3


def test_those_of_mmpretrain_and_mmseg_fail_where_ours_is_right():
    pytest.importorskip('mmseg')
    import mmseg.engine  # noqa: F401
    model = Detector()
    with pytest.raises(NotImplementedError):
        build(model, 'mmpretrain.LearningRateDecayOptimWrapperConstructor', layer_decay_rate=RATE)
    with pytest.raises(NotImplementedError):
        build(model, 'mmseg.LearningRateDecayOptimizerConstructor', decay_type='layer_wise',
              num_layers=3, decay_rate=RATE)


def test_no_options_still_spare_vectors_and_tables():
    model = Detector()
    found = settings(model, build(model))
    assert {lr for lr, _ in found.values()} == {1.}
    assert found['backbone.cls_token'][1] == 0. and found['head.bias'][1] == 0.
    assert found['head.weight'][1] == 0.1


def test_options():
    model = Detector(rel_pos_bias='per_layer')
    found = settings(model, build(
        model, layer_decay_rate=RATE, bias_decay_mult=1., norm_decay_mult=2., flat_decay_mult=3.,
        custom_keys={'attn': dict(decay_mult=5.), 'attn.proj': dict(lr_mult=10.),
                     'head': dict(decay_mult=0.)}))
    assert found['neck.0.bias'] == (1., 0.1)
    assert found['backbone.blocks.2.norm1.weight'] == (0.5, 0.2)
    assert found['backbone.blocks.1.gamma_1'][1] == pytest.approx(0.3)
    assert found['backbone.blocks.1.attn.qkv.weight'] == (0.25, 0.5)
    assert found['backbone.blocks.1.attn.proj.weight'] == (2.5, 0.1)
    assert found['backbone.cls_token'][1] == 0.
    assert found['head.weight'] == (1., 0.)


def test_frozen_and_shared_parameters():
    model = Detector(frozen_stages=1)
    model.tied = model.head
    model.also_tied = nn.Linear(8, 2)
    model.also_tied.weight = model.head.weight
    found = settings(model, build(model, layer_decay_rate=RATE))
    assert found.keys() == {n for n, p in model.named_parameters() if p.requires_grad}


def test_parameters_of_one_kind_are_one_group():
    groups = build(Detector(rel_pos_bias='per_layer'), layer_decay_rate=RATE).param_groups
    assert [group['layer_id'] for group in groups] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert len({(group['lr'], group['weight_decay']) for group in groups}) == len(groups)


def test_a_schedule_scales_every_group():
    from mmengine.optim import ConstantLR
    optimizer = build(Detector(), layer_decay_rate=RATE)
    before = [group['lr'] for group in optimizer.param_groups]
    ConstantLR(optimizer, factor=0.1, end=5)
    after = [group['lr'] for group in optimizer.param_groups]
    assert after == pytest.approx([0.1 * lr for lr in before])


def test_the_table_on_request(caplog):
    logger = MMLogger.get_instance(f'test_{uuid.uuid4()}')
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, logger=logger.name)
    model = Detector()
    build(model, layer_decay_rate=RATE)
    assert not caplog.records
    build(model, layer_decay_rate=RATE, print_groups=True)
    text = caplog.records[-1].getMessage()
    first = next(line for line in text.splitlines() if 'backbone.cls_token' in line)
    assert [cell.strip() for cell in first.split('│')[1:4]] == ['0', '0.0625', '0']
    numbers = [line.split('│')[5].replace(',', '') for line in text.splitlines()
               if line.count('│') == 7]
    assert sum(map(int, numbers)) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize('model, paramwise, message', [
    (nn.Linear(2, 2), dict(), 'Linear has none'),
    (Detector(), dict(layer_decay=0.5), r"takes no \['layer_decay'\]")])
def test_faults_are_told(model, paramwise, message):
    with pytest.raises(ValueError, match=message):
        build(model, **paramwise)


def test_training_steps_and_state_survive():
    model = Detector(out_type='avg_featmap')
    optimizer = build(model, layer_decay_rate=RATE)
    model.backbone(torch.randn(1, 3, 16, 16))[0].sum().backward()
    optimizer.step()
    other = build(model, layer_decay_rate=RATE)
    other.load_state_dict(optimizer.state_dict())
    assert [g['lr'] for g in other.param_groups] == [g['lr'] for g in optimizer.param_groups]
