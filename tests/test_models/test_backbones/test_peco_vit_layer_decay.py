"""Layer-wise learning rates and weight decay with mmpretrain's and mmengine's constructors."""

import pytest
from mmengine.optim import build_optim_wrapper
from mmpretrain.engine.optimizers import LearningRateDecayOptimWrapperConstructor

from peco.models.backbones import PeCoViT
from peco.registry import MODELS

# What the fine-tuning and pretraining configs use.
PARAMWISE = dict(
    bias_decay_mult=0.,
    norm_decay_mult=0.,
    flat_decay_mult=0.,
    custom_keys={
        'cls_token': dict(decay_mult=0.),
        'mask_token': dict(decay_mult=0.),
        'pos_embed': dict(decay_mult=0.),
        'relative_position_bias_table': dict(decay_mult=0.),
    })
VIT = dict(type='peco.PeCoViT', arch=dict(embed_dims=32, num_layers=3, num_heads=2), img_size=32,
           patch_size=8, abs_pos_embed=True)
UNDECAYED = ('bias', 'norm', 'gamma', 'token', 'pos_embed', 'table')


def classifier(**kwargs):
    return MODELS.build(dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(VIT, out_type='avg_featmap', **kwargs),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=32,
                  loss=dict(type='mmpretrain.CrossEntropyLoss'))))


def expected_depth(name):
    if name.startswith('backbone.blocks.'):
        return int(name.split('.')[2]) + 1
    if name.startswith(('head.', 'backbone.norm', 'backbone.fc_norm')):
        return 4
    return 0


@pytest.mark.parametrize('rel_pos_bias', ['shared', 'per_layer'])
def test_layer_decay_of_a_classifier(rel_pos_bias):
    model = classifier(rel_pos_bias=rel_pos_bias)
    wrapper = LearningRateDecayOptimWrapperConstructor(
        dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1., weight_decay=0.05)),
        paramwise_cfg=dict(PARAMWISE, layer_decay_rate=0.5))(model)
    groups = {group['param_name']: group for group in wrapper.optimizer.param_groups}
    assert set(groups) == {name for name, _ in model.named_parameters()}
    for name, group in groups.items():
        assert group['lr'] == 0.5**(4 - expected_depth(name)), name
        decayed = not any(part in name for part in UNDECAYED)
        assert group['weight_decay'] == (0.05 if decayed else 0.), name
    decayed = [name for name, group in groups.items() if group['weight_decay']]
    assert len(decayed) == 1 + 3 * 4 + 1  # patch convolution, four matrices a block, classifier


def test_frozen_parameters_are_left_out():
    model = classifier(frozen_stages=3)
    wrapper = LearningRateDecayOptimWrapperConstructor(
        dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1., weight_decay=0.05)),
        paramwise_cfg=dict(PARAMWISE, layer_decay_rate=0.5))(model)
    names = {group['param_name'] for group in wrapper.optimizer.param_groups}
    assert names == {'head.fc.weight', 'head.fc.bias'}


def test_weight_decay_of_pretraining():
    model = MODELS.build(dict(
        type='peco.PeCo', backbone=dict(VIT, mask_token=True, out_type='raw'),
        head=dict(type='peco.MIMHead', embed_dims=32, num_classes=7)))
    wrapper = build_optim_wrapper(model, dict(
        type='OptimWrapper', optimizer=dict(type='AdamW', lr=1., weight_decay=0.05),
        paramwise_cfg=PARAMWISE))
    decay = {id(group['params'][0]): group['weight_decay']
             for group in wrapper.optimizer.param_groups}
    for name, parameter in model.named_parameters():
        decayed = not any(part in name for part in UNDECAYED)
        assert decay[id(parameter)] == (0.05 if decayed else 0.), name


@pytest.mark.parametrize('name, depth', [
    ('patch_embed.proj.weight', 0), ('cls_token', 0), ('mask_token', 0), ('pos_embed', 0),
    ('rel_pos_bias.relative_position_bias_table', 0), ('blocks.0.norm1.weight', 1),
    ('blocks.2.attn.relative_position_bias_table', 3), ('norm.weight', 4), ('fc_norm.bias', 4)])
def test_depth(name, depth):
    vit = PeCoViT(VIT['arch'], img_size=32, patch_size=8)
    assert vit.get_layer_depth(name) == (depth, 5)
    assert vit.get_layer_depth('backbone.' + name, 'backbone.') == (depth, 5)
    assert vit.get_layer_depth('head.' + name, 'backbone.') == (4, 5)


def test_depth_counts_the_architecture_where_blocks_are_not_built():
    vit = PeCoViT(VIT['arch'], img_size=32, patch_size=8, out_indices=0, out_type='featmap')
    assert vit.get_layer_depth('blocks.0.norm1.weight') == (1, 5)
