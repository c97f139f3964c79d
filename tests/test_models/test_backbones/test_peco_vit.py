"""PeCoViT: outputs, what exists for which task, init, freezing, checkpointing."""

import copy
import math

import pytest
import torch
from scipy.stats import truncnorm
from timm.layers import resample_abs_pos_embed
from timm.models.beit import Beit

from peco.models.backbones import PeCoViT
from peco.registry import MODELS

ARCH = dict(embed_dims=32, num_layers=4, num_heads=2)


def build(**kwargs):
    kwargs = {'arch': ARCH, 'img_size': 32, 'patch_size': 8, **kwargs}
    return MODELS.build(dict(type='peco.PeCoViT', **kwargs))


def images(size=(32, 32), batch=2):
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(0))


# Outputs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('size, grid', [((32, 32), (4, 4)), ((48, 24), (6, 3)), ((8, 8), (1, 1))])
@pytest.mark.parametrize('positions', [
    dict(rel_pos_bias='shared'), dict(rel_pos_bias='per_layer'),
    dict(rel_pos_bias=None, abs_pos_embed=True), dict(rel_pos_bias=None)])
@pytest.mark.parametrize('with_cls_token', [True, False])
def test_output_shapes_at_any_size(size, grid, positions, with_cls_token):
    tokens = grid[0] * grid[1] + with_cls_token
    shapes = dict(raw=(2, tokens, 32), featmap=(2, 32, *grid), avg_featmap=(2, 32))
    if with_cls_token:
        shapes['cls_token'] = (2, 32)
    for out_type, shape in shapes.items():
        vit = build(out_type=out_type, with_cls_token=with_cls_token, **positions).eval()
        out, = vit(images(size))
        assert out.shape == shape and out.isfinite().all()


@pytest.mark.parametrize('size', [(30, 32), (32, 4), (33, 33)])
def test_a_size_that_is_no_multiple_of_the_patch_is_refused(size):
    with pytest.raises(ValueError, match=f'{size[0]}x{size[1]} is not a whole number of patches'):
        build()(images(size))


def test_out_types_agree():
    outs = {}
    for out_type in ('raw', 'featmap', 'cls_token'):
        torch.manual_seed(0)
        outs[out_type] = build(out_type=out_type).eval()(images())[0]
    assert torch.equal(outs['raw'][:, 0], outs['cls_token'])
    assert torch.equal(outs['raw'][:, 1:].transpose(1, 2), outs['featmap'].flatten(2))


@pytest.mark.parametrize('out_indices, wanted', [
    (-1, (3, )), (1, (1, )), ((-4, 1, -1), (0, 1, 3)), ([0, 3], (0, 3)), (-2, (2, ))])
def test_out_indices(out_indices, wanted):
    vit = build(out_indices=out_indices)
    assert vit.out_indices == wanted
    assert len(vit(images())) == len(wanted)
    assert len(vit.blocks) == wanted[-1] + 1
    assert vit.num_layers == 4


def test_earlier_outputs_are_the_blocks_own():
    torch.manual_seed(0)
    vit = build(out_type='raw', out_indices=(1, 3)).eval()
    early = build(out_type='raw', out_indices=1).eval()
    early.load_state_dict(vit.state_dict())
    outs = vit(images())
    assert torch.equal(outs[0], early(images())[0])
    assert not torch.allclose(outs[0].mean(-1), torch.zeros(()), atol=1e-4)  # not normalised
    torch.testing.assert_close(outs[1].mean(-1), torch.zeros(2, 17), rtol=0, atol=1e-5)


@pytest.mark.parametrize('out_indices', [4, -5, (), (0, 7), (3, 0), (1, 1)])
def test_wrong_out_indices_are_refused(out_indices):
    with pytest.raises(ValueError, match='out_indices='):
        build(out_indices=out_indices)


@pytest.mark.parametrize('kwargs, message', [
    (dict(arch='giant'), "got 'giant'"),
    (dict(arch=dict(embed_dims=32)), 'an arch dict has the keys'),
    (dict(arch=dict(ARCH, depth=3)), 'an arch dict has the keys'),
    (dict(arch=dict(ARCH, num_heads=3)), 'embed_dims=32 is not divisible by num_heads=3'),
    (dict(arch=dict(ARCH, mlp_ratio=4, feedforward_channels=64)), 'not both'),
    (dict(rel_pos_bias='both'), "got 'both'"),
    (dict(out_type='tokens'), "got 'tokens'"),
    (dict(out_type='cls_token', with_cls_token=False), 'needs with_cls_token=True'),
    (dict(frozen_stages=5), 'got 5'),
    (dict(img_size=30), '30x30'),
])
def test_wrong_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)


def test_arch_takes_the_mlp_width_either_way():
    wide = build(arch=dict(ARCH, feedforward_channels=72))
    assert wide.blocks[0].mlp.fc1.out_features == 72
    assert build(arch=dict(ARCH, mlp_ratio=2)).blocks[0].mlp.fc1.out_features == 64
    assert build().blocks[0].mlp.fc1.out_features == 128


@pytest.mark.parametrize('arch, patch_size, width, depth, heads', [
    ('tiny', 16, 192, 12, 3), ('small', 16, 384, 12, 6), ('base', 16, 768, 12, 12),
    ('large', 16, 1024, 24, 16), ('huge', 14, 1280, 32, 16)])
def test_named_archs_have_as_many_parameters_as_timm(arch, patch_size, width, depth, heads):
    with torch.device('meta'):
        vit = PeCoViT(arch, patch_size=patch_size)
        beit = Beit(patch_size=patch_size, embed_dim=width, depth=depth, num_heads=heads,
                    num_classes=0, init_values=0.1, use_abs_pos_emb=False,
                    use_shared_rel_pos_bias=True)
    assert sum(p.numel() for p in vit.parameters()) == sum(p.numel() for p in beit.parameters())


# Mask -------------------------------------------------------------------------------------------


def test_masked_patches_are_not_seen():
    vit = build(mask_token=True, out_type='raw').eval()
    mask = torch.zeros(2, 4, 4, dtype=torch.uint8)
    mask[:, 1, 2] = 1
    x = images()
    other = x.clone()
    other[:, :, 8:16, 16:24] = 5.
    assert torch.equal(vit(x, mask)[0], vit(other, mask)[0])
    assert not torch.allclose(vit(x)[0], vit(other)[0])
    assert torch.equal(vit(x, mask)[0], vit(x, mask.flatten(1).bool())[0])
    assert torch.equal(vit(x, torch.zeros_like(mask))[0], vit(x)[0])


def test_mask_errors():
    with pytest.raises(ValueError, match='mask_token=False'):
        build()(images(), torch.zeros(2, 4, 4))
    with pytest.raises(ValueError, match=r'\(2, 9\).*\(2, 16\)'):
        build(mask_token=True)(images(), torch.zeros(2, 3, 3))


# Parameters -------------------------------------------------------------------------------------

TASKS = {
    'pretrain': dict(out_type='raw', mask_token=True),
    'finetune': dict(out_type='avg_featmap', rel_pos_bias='per_layer'),
    'cls_token': dict(out_type='cls_token', rel_pos_bias='per_layer'),
    'dense': dict(out_type='featmap', out_indices=(0, 2), rel_pos_bias='per_layer'),
    'dense_last': dict(out_type='featmap', out_indices=(1, -1), final_norm=False),
    'dense_normed': dict(out_type='featmap', out_indices=(1, -1)),
    'no_cls': dict(out_type='avg_featmap', with_cls_token=False),
    'absolute': dict(out_type='avg_featmap', rel_pos_bias=None, abs_pos_embed=True),
    'one_block': dict(out_type='featmap', out_indices=0, rel_pos_bias='per_layer'),
}


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('with_cp', [False, True])
def test_every_parameter_gets_a_gradient(task, with_cp):
    torch.manual_seed(0)
    vit = build(with_cp=with_cp, **TASKS[task]).train()
    mask = None
    if vit.mask_token is not None:
        mask = torch.zeros(2, 4, 4, dtype=torch.bool)
        mask[:, :2] = True
    outs = vit(images(), mask)
    if task == 'pretrain':  # only masked patches are scored
        loss = (outs[-1][:, 1:][mask.flatten(1)] * torch.randn(32)).sum()
    else:
        loss = sum((out * torch.randn_like(out)).sum() for out in outs)
    loss.backward()
    for name, parameter in vit.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_what_a_task_cannot_use_does_not_exist():
    def names(**kwargs):
        return {name.partition('.')[0] for name, _ in build(**kwargs).named_parameters()}
    assert 'mask_token' not in names() and 'mask_token' in names(mask_token=True)
    assert 'cls_token' not in names(with_cls_token=False, out_type='featmap')
    assert 'norm' in names() and 'fc_norm' not in names()
    assert 'fc_norm' in names(out_type='avg_featmap')
    assert 'norm' not in names(out_type='avg_featmap')
    for out_type in ('featmap', 'avg_featmap'):
        assert not {'norm', 'fc_norm'} & names(out_type=out_type, out_indices=(0, 2))
        assert not {'norm', 'fc_norm'} & names(out_type=out_type, final_norm=False)
    assert {'rel_pos_bias', 'pos_embed'} & names(rel_pos_bias=None) == set()
    table = build(with_cls_token=False, out_type='raw').rel_pos_bias.relative_position_bias_table
    assert table.shape == (49, 2)


# Init -------------------------------------------------------------------------------------------


def test_beit_init():
    """N(0, 0.02) cut at one deviation has the standard deviation 0.02 * 0.5396 = 0.0108."""
    torch.manual_seed(0)
    vit = build(arch=dict(embed_dims=128, num_layers=3, num_heads=2), patch_size=16,
                mask_token=True, out_type='raw', abs_pos_embed=True, layer_scale_init=0.3)
    effective = 0.02 * truncnorm(-1, 1).std()
    plain = [vit.patch_embed.proj.weight] + [
        weight for block in vit.blocks for weight in (block.attn.qkv.weight,
                                                      block.mlp.fc1.weight)]
    for weight in plain:
        assert weight.abs().max() <= 0.02
        assert weight.std().item() == pytest.approx(effective, rel=0.03)
        assert abs(weight.mean().item()) < 5 * effective / math.sqrt(weight.numel())
    for i, block in enumerate(vit.blocks, start=1):
        for weight in (block.attn.proj.weight, block.mlp.fc2.weight):
            assert weight.std().item() == pytest.approx(effective / math.sqrt(2 * i), rel=0.03)
        assert (block.gamma_1 == 0.3).all() and (block.gamma_2 == 0.3).all()
    for token in (vit.cls_token, vit.mask_token, vit.pos_embed):
        assert 0 < token.abs().max() <= 0.02
    for name, parameter in vit.named_parameters():
        if name.endswith('bias') or 'bias_table' in name:
            assert not parameter.any(), name


def test_init_without_the_cut_is_wider():
    torch.manual_seed(0)
    vit = build(beit_init=False)
    assert vit.blocks[0].mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_init_weights_keeps_the_init_and_a_pretrained_file(tmp_path):
    vit = build()
    before = copy.deepcopy(vit.state_dict())
    vit.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in vit.state_dict().items())

    torch.save(dict(state_dict=before), tmp_path / 'vit.pth')
    loaded = build(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'vit.pth')))
    loaded.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in loaded.state_dict().items())


def test_drop_path_rises_with_depth():
    vit = build(drop_path_rate=0.3)
    rates = [getattr(block.drop_path2, 'drop_prob', 0.) for block in vit.blocks]
    assert rates == pytest.approx([0., 0.1, 0.2, 0.3])


@pytest.mark.parametrize('rate', ['drop_rate', 'attn_drop_rate', 'drop_path_rate'])
def test_drop_rates_act_in_training_alone(rate):
    torch.manual_seed(0)
    vit = build(**{rate: 0.5}, layer_scale_init=None).train()
    x = images()
    assert not torch.allclose(vit(x)[0], vit(x)[0])
    assert torch.equal(vit.eval()(x)[0], vit(x)[0])


# Freezing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('frozen_stages', [-1, 0, 2, 4])
def test_frozen_stages_survive_train(frozen_stages):
    vit = build(frozen_stages=frozen_stages, drop_path_rate=0.5, drop_rate=0.5, mask_token=True,
                out_type='raw')
    vit.train()
    vit.requires_grad_(True).train()
    stem = ('patch_embed', 'cls_token', 'mask_token', 'rel_pos_bias')
    for name, parameter in vit.named_parameters():
        part = name.split('.')
        if part[0] in stem:
            frozen = frozen_stages >= 0
        elif part[0] == 'blocks':
            frozen = int(part[1]) < frozen_stages
        else:
            frozen = frozen_stages == 4
        assert parameter.requires_grad is not frozen, name
    for i, block in enumerate(vit.blocks):
        assert all(module.training is (i >= frozen_stages) for module in block.modules())
    assert vit.pos_drop.training is (frozen_stages < 0)


def test_a_frozen_backbone_is_deterministic_in_train_mode():
    vit = build(frozen_stages=4, drop_path_rate=0.5, drop_rate=0.5, attn_drop_rate=0.5).train()
    x = images()
    out = vit(x)[0]
    assert torch.equal(out, vit(x)[0]) and not out.requires_grad


def test_freezing_everything_works_where_the_last_blocks_are_not_built():
    vit = build(frozen_stages=4, out_indices=(0, 1)).train()
    assert not any(p.requires_grad for p in vit.parameters())


# Memory and copies ------------------------------------------------------------------------------


@pytest.mark.parametrize('rel_pos_bias', ['shared', 'per_layer'])
def test_gradient_checkpointing_changes_no_gradient(rel_pos_bias):
    grads = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        vit = build(rel_pos_bias=rel_pos_bias, with_cp=with_cp, drop_path_rate=0.5,
                    drop_rate=0.2, attn_drop_rate=0.2, out_type='raw').train()
        torch.manual_seed(1)
        vit(images())[0].square().sum().backward()
        grads.append([p.grad for p in vit.parameters()])
    for plain, recomputed in zip(*grads, strict=True):
        torch.testing.assert_close(plain, recomputed, rtol=1e-4, atol=1e-5)


def test_gradient_checkpointing_recomputes_blocks():
    vit = build(with_cp=True).train()
    calls = []
    vit.blocks[1].register_forward_pre_hook(lambda *_: calls.append(1))
    vit(images())[0].sum().backward()
    assert len(calls) == 2
    vit.eval()(images())[0].sum().backward()
    assert len(calls) == 3


def test_absolute_positions_are_resized_as_timm_does():
    vit = build(rel_pos_bias=None, abs_pos_embed=True, out_type='raw').eval()
    large = build(rel_pos_bias=None, abs_pos_embed=True, out_type='raw', img_size=(48, 24)).eval()
    state = vit.state_dict()
    state['pos_embed'] = resample_abs_pos_embed(state['pos_embed'], (6, 3), (4, 4))
    large.load_state_dict(state)
    assert torch.equal(vit(images((48, 24)))[0], large(images((48, 24)))[0])


def test_a_resize_never_replaces_the_parameter():
    vit = build(rel_pos_bias='per_layer').train()
    table = vit.blocks[0].attn.relative_position_bias_table
    vit(images((48, 24)))[0].square().sum().backward()
    assert vit.blocks[0].attn.relative_position_bias_table is table
    assert table.shape == (52, 2) and table.grad.abs().sum() > 0


def test_a_copy_loads_into_itself():
    vit = build()
    clone = copy.deepcopy(vit)
    state = {key: torch.randn_like(value) for key, value in vit.state_dict().items()}
    clone.load_state_dict(state)
    assert torch.equal(clone.cls_token, state['cls_token'])
    assert not torch.equal(vit.cls_token, state['cls_token'])


@pytest.mark.parametrize('layer_scale_init', [None, 0.1])
def test_the_residual_stream_is_fp32_under_autocast(layer_scale_init):
    vit = build(layer_scale_init=layer_scale_init, mask_token=True)
    dtypes = []
    for block in vit.blocks:
        block.register_forward_pre_hook(lambda _, args: dtypes.append(args[0].dtype))
    with torch.autocast('cpu', torch.bfloat16):
        vit(images(), torch.eye(4).expand(2, 4, 4))
    assert set(dtypes) == {torch.float32}
    assert vit.bfloat16()(images().bfloat16())[0].dtype == torch.bfloat16


def test_bf16_autocast():
    vit = build(rel_pos_bias='per_layer', out_type='raw')
    with torch.autocast('cpu', torch.bfloat16):
        out = vit(images((48, 24)))[0]
    torch.testing.assert_close(out.float(), vit(images((48, 24)))[0], rtol=0, atol=0.1)
    out.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in vit.parameters())
