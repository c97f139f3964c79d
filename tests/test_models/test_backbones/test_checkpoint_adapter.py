"""Which checkpoints a backbone takes, how it changes them, and which it refuses."""

import copy
import logging
import uuid

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.runner import load_checkpoint
from timm.models.beit import Beit
from torch import nn

from peco.models.backbones import PeCoViT
from peco.utils.rel_pos_bias import resize_bias_table

ARCH = dict(embed_dims=32, num_layers=2, num_heads=2)
TABLE = 'blocks.{}.attn.relative_position_bias_table'
SHARED = 'rel_pos_bias.relative_position_bias_table'


def build(**kwargs):
    return PeCoViT(**{'arch': ARCH, 'img_size': 32, 'patch_size': 8, 'rel_pos_bias': 'per_layer',
                      'out_type': 'avg_featmap', **kwargs})


def pretrained(**kwargs):
    """A backbone as pretraining leaves it, with no weight at its initial value."""
    torch.manual_seed(0)
    vit = build(**{'rel_pos_bias': 'shared', 'mask_token': True, 'out_type': 'raw', **kwargs})
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.3)
    return vit.eval()


class Model(nn.Module):

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(32, 3)


@pytest.fixture
def log(caplog):
    """Lines that mmengine's current logger writes."""
    logger = MMLogger.get_instance(f'test_{uuid.uuid4()}')  # the newest is the current one
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, logger=logger.name)
    yield lambda: [r.getMessage() for r in caplog.records if 'PeCoViT' in r.getMessage()]
    logger.removeHandler(caplog.handler)


def images(size=32):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


# Shared to per-layer ----------------------------------------------------------------------------


@pytest.mark.parametrize('wrapped', [False, True])
def test_pretrained_to_finetune_gives_the_same_tokens(wrapped):
    source = pretrained()
    target = build(out_type='raw').eval()
    if wrapped:
        Model(target).load_state_dict(
            {**Model(source).state_dict(), 'head.weight': torch.zeros(3, 32)}, strict=True)
    else:
        target.load_state_dict(source.state_dict(), strict=True)
    assert torch.equal(target(images())[0], source(images())[0])
    tables = [block.attn.relative_position_bias_table for block in target.blocks]
    assert torch.equal(tables[0], source.state_dict()[SHARED])
    assert tables[0].data_ptr() != tables[1].data_ptr()


@pytest.mark.parametrize('loader', ['torch', 'mmengine'])
@pytest.mark.parametrize('prefix', ['', 'backbone.', 'model.backbone.', 'module.'])
def test_any_prefix_into_a_bare_backbone(prefix, loader, tmp_path):
    source = pretrained()
    state = {prefix + key: value for key, value in source.state_dict().items()}
    state['head.fc.weight'] = torch.zeros(5, 32)
    if prefix:
        state['momentum_encoder.' + prefix + 'patch_embed.proj.weight'] = torch.zeros(9, 9)
    target = build(out_type='raw').eval()
    if loader == 'torch':
        target.load_state_dict(state, strict=True)
    else:
        torch.save(dict(state_dict=state), tmp_path / 'a.pth')
        load_checkpoint(target, str(tmp_path / 'a.pth'), strict=True)
    assert torch.equal(target(images())[0], source(images())[0])


@pytest.mark.parametrize('around', [('model', ), ('state_dict', 'module'),
                                    ('state_dict', 'model', 'module')])
def test_official_files_are_unwrapped(tmp_path, around):
    source = pretrained()
    state = source.state_dict()
    for name in reversed(around):
        state = {name: state}
    torch.save(state, tmp_path / 'beit.pth')
    target = build(out_type='raw').eval()
    load_checkpoint(target, str(tmp_path / 'beit.pth'), strict=True)
    assert torch.equal(target(images())[0], source(images())[0])


def test_shared_and_own_tables_of_one_file_are_added():
    state = pretrained().state_dict()
    own = torch.randn(52, 2)
    state[TABLE.format(1)] = own.clone()
    target = build(out_type='raw')
    target.load_state_dict(state)
    shared = state[SHARED]
    assert torch.equal(target.blocks[0].attn.relative_position_bias_table, shared)
    assert torch.equal(target.blocks[1].attn.relative_position_bias_table, shared + own)


def test_what_a_task_lacks_is_left_out_and_named_in_one_line(log):
    build().load_state_dict(pretrained().state_dict(), strict=False)
    line, = log()
    assert 'copied the shared bias table to each layer' in line
    assert 'left out mask_token, norm.bias, norm.weight' in line
    assert 'kept at the initial value fc_norm.bias, fc_norm.weight' in line


def test_foreign_keys_are_named(log):
    state = {'backbone.' + key: value for key, value in pretrained().state_dict().items()}
    pretrained().load_state_dict({**state, 'head.fc.weight': torch.zeros(1)})
    assert log() == [
        'PeCoViT loaded a checkpoint: 37 of 37 weights; left out head.fc.weight.']


def test_resuming_says_nothing_and_leaves_the_given_dict_alone(log):
    source = pretrained()
    state = Model(source).state_dict()
    before = copy.copy(state)
    model = Model(pretrained())
    model.load_state_dict(state, strict=True)
    assert log() == [] and state == before


def test_back_to_pretraining_keeps_a_new_mask_token():
    source = pretrained(mask_token=False)
    target = pretrained()
    token = target.mask_token.clone()
    target.load_state_dict(source.state_dict(), strict=False)
    assert torch.equal(target.mask_token, token)
    assert torch.equal(target.cls_token, source.cls_token)


def test_no_class_token_in_the_task(log):
    source = pretrained(abs_pos_embed=True)
    target = build(with_cls_token=False, abs_pos_embed=True)
    target.load_state_dict(source.state_dict(), strict=False)
    table = target.blocks[0].attn.relative_position_bias_table
    assert torch.equal(table, source.state_dict()[SHARED][:-3])
    assert torch.equal(target.pos_embed, source.pos_embed[:, 1:])
    assert 'left out cls_token' in log()[0]


def test_no_class_token_in_the_file():
    source = pretrained(with_cls_token=False, abs_pos_embed=True)
    target = build(abs_pos_embed=True)
    target.load_state_dict(source.state_dict(), strict=False)
    table = target.blocks[0].attn.relative_position_bias_table
    assert torch.equal(table[:-3], source.state_dict()[SHARED]) and not table[-3:].any()
    assert torch.equal(target.pos_embed[:, 1:], source.pos_embed)


def test_blocks_that_are_not_built_are_left_out():
    source = pretrained()
    target = build(out_type='raw', out_indices=0).eval()
    target.load_state_dict(source.state_dict(), strict=True)
    both = pretrained(out_indices=(0, 1)).eval()
    both.load_state_dict(source.state_dict())
    assert torch.equal(target(images())[0], both(images())[0])


# Resize -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('rel_pos_bias', ['shared', 'per_layer'])
@pytest.mark.parametrize('size', [48, (48, 16)])
def test_tables_are_resized_at_load_as_they_are_in_forward(rel_pos_bias, size, log):
    source = pretrained(rel_pos_bias=rel_pos_bias)
    target = build(rel_pos_bias=rel_pos_bias, out_type='raw', img_size=size).eval()
    target.load_state_dict(source.state_dict(), strict=False)
    x = torch.randn(2, 3, *target.img_size)
    torch.testing.assert_close(target(x)[0], source(x)[0], rtol=0, atol=1e-5)
    assert f'resized bias tables from 4x4 to {target.grid[0]}x{target.grid[1]}' in log()[0]


def test_a_non_square_file_loads_unchanged_and_is_resized_by_nobody():
    source = pretrained(img_size=(32, 40))
    target = build(img_size=(32, 40), out_type='raw').eval()
    target.load_state_dict(source.state_dict(), strict=True)
    x = torch.randn(2, 3, 32, 40)
    assert torch.equal(target(x)[0], source(x)[0])
    with pytest.raises(ValueError, match='no square grid'):
        build(img_size=32).load_state_dict(source.state_dict(), strict=False)


def test_absolute_positions_are_resized(log):
    source = pretrained(abs_pos_embed=True, rel_pos_bias=None)
    target = build(abs_pos_embed=True, rel_pos_bias=None, img_size=(48, 24), out_type='raw').eval()
    target.load_state_dict(source.state_dict(), strict=False)
    x = torch.randn(2, 3, 48, 24)
    torch.testing.assert_close(target(x)[0], source(x)[0], rtol=0, atol=1e-5)
    assert 'resized pos_embed from 4x4 to 6x3' in log()[0]


def test_index_buffers_of_other_codes_are_dropped(log):
    source = pretrained()
    state = source.state_dict()
    state['rel_pos_bias.relative_position_index'] = torch.zeros(17, 17)
    target = build(out_type='raw', rel_pos_bias='shared', mask_token=True)
    target.load_state_dict(state, strict=True)
    assert log() == []


def test_tables_are_resized_before_timm_would():
    beit = Beit(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2, num_classes=3,
                init_values=0.1, use_abs_pos_emb=False, use_rel_pos_bias=True)
    nn.init.normal_(beit.blocks[1].attn.relative_position_bias_table)
    target = build(img_size=48)
    target.load_state_dict(beit.state_dict(), strict=True)
    assert torch.equal(
        target.blocks[1].attn.relative_position_bias_table,
        resize_bias_table(beit.blocks[1].attn.relative_position_bias_table, (4, 4), (6, 6)))


# Refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('other, message', [
    (dict(arch=dict(ARCH, embed_dims=64)),
     r'cls_token is \(1, 1, 64\) in the checkpoint and \(1, 1, 32\) in the model.*more\)'),
    (dict(arch=dict(ARCH, num_layers=1)), r'blocks.1.* is missing'),
    (dict(patch_size=16),
     r'patch_embed.proj.weight is \(32, 3, 16, 16\) .* and \(32, 3, 8, 8\)'),
    (dict(arch=dict(ARCH, num_heads=4)), r'bias_table is \(52, 4\) .* and \(52, 2\)'),
    (dict(layer_scale_init=None), r'blocks.0.gamma_1 is missing'),
    (dict(arch=dict(ARCH, mlp_ratio=2)), r'blocks.0.mlp.fc1.weight is \(64, 32\)'),
])
@pytest.mark.parametrize('wrapped', [False, True])
def test_another_architecture_is_refused(other, message, wrapped):
    source, target = pretrained(**other), build()
    if wrapped:
        source, target = Model(source), Model(target)
    before = copy.deepcopy(target.state_dict())
    with pytest.raises(ValueError, match='another architecture.*embed_dims=32.*' + message):
        target.load_state_dict(source.state_dict(), strict=False)
    assert all(torch.equal(before[key], value) for key, value in target.state_dict().items())


def test_layer_scale_that_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match='blocks.0.gamma_1 has no place in the model'):
        build(layer_scale_init=None).load_state_dict(pretrained().state_dict(), strict=False)


def test_mmengine_does_not_only_warn(tmp_path):
    torch.save(dict(state_dict=Model(pretrained(arch=dict(ARCH, embed_dims=64))).state_dict()),
               tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='another architecture'):
        load_checkpoint(Model(build()), str(tmp_path / 'a.pth'), strict=False)


def test_a_file_without_any_of_its_keys_is_refused():
    with pytest.raises(ValueError, match=r'no key ends in patch_embed.proj.weight.*conv1.weight'):
        build().load_state_dict({'conv1.weight': torch.zeros(1)}, strict=False)
    # A bare backbone's file given to a whole model matches nothing either.
    with pytest.raises(ValueError, match='init_cfg=dict'):
        Model(build()).load_state_dict(pretrained().state_dict(), strict=False)


def test_per_layer_tables_do_not_fit_a_shared_one():
    source = build(out_type='raw')
    with pytest.raises(ValueError, match="build it with rel_pos_bias='per_layer'"):
        build(rel_pos_bias='shared').load_state_dict(source.state_dict(), strict=False)
