"""The block: stochastic depth once, dropout not ignored, the bias used."""

import pytest
import torch

from peco.models.backbones.beit_block import BEiTBlock


def surviving_share(block, branch):
    """Share of samples that a branch reaches; the other branch is switched off."""
    torch.nn.init.zeros_(block.attn.proj.weight)
    torch.nn.init.zeros_(block.attn.proj.bias)
    torch.nn.init.zeros_(block.mlp.fc2.weight)
    torch.nn.init.zeros_(block.mlp.fc2.bias)
    torch.nn.init.ones_(block.mlp.fc2.bias if branch == 'mlp' else block.attn.proj.bias)
    x = torch.zeros(2000, 1, 8)
    with torch.no_grad():
        return (block.train()(x) - x).flatten(1).abs().sum(1).ne(0).float().mean().item()


@pytest.mark.parametrize('branch', ['attn', 'mlp'])
def test_drop_path_is_applied_once_for_each_branch(branch):
    """Applied twice, as in mmpretrain's BEiT block, 25 % of the samples would survive."""
    torch.manual_seed(0)
    share = surviving_share(BEiTBlock(8, 2, drop_path=0.5), branch)
    assert abs(share - 0.5) < 5 * (0.25 / 2000)**0.5


def test_this_test_catches_a_double_drop_path():
    from mmpretrain.models.backbones.beit import BEiTTransformerEncoderLayer
    torch.manual_seed(0)
    layer = BEiTTransformerEncoderLayer(
        8, 2, 32, window_size=(1, 1), use_rel_pos_bias=False, drop_path_rate=0.5,
        layer_scale_init_value=1.)
    torch.nn.init.zeros_(layer.attn.proj.weight)
    torch.nn.init.zeros_(layer.attn.proj.bias)
    torch.nn.init.zeros_(layer.ffn.layers[1].weight)
    torch.nn.init.ones_(layer.ffn.layers[1].bias)
    x = torch.zeros(2000, 1, 8)
    with torch.no_grad():
        share = (layer.train()(x, None) - x).flatten(1).abs().sum(1).ne(0).float().mean()
    assert abs(share - 0.5) > 5 * (0.25 / 2000)**0.5


@pytest.mark.parametrize('rates', [dict(drop=0.5), dict(attn_drop=0.5)])
def test_drop_rates_are_not_ignored(rates):
    torch.manual_seed(0)
    block = BEiTBlock(8, 2, **rates).train()
    x = torch.randn(4, 6, 8)
    assert not torch.allclose(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))


def test_attention_dropout_leaves_the_mean():
    torch.manual_seed(0)
    block = BEiTBlock(8, 2, attn_drop=0.3)
    x = torch.randn(1, 6, 8)
    with torch.no_grad():
        wanted = block.attn.eval()(x)
        found = block.attn.train()(x.expand(20000, -1, -1)).mean(0, keepdim=True)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0.01)


def test_bias_is_added_to_the_logits():
    torch.manual_seed(0)
    attn = BEiTBlock(8, 2).attn
    x = torch.randn(2, 5, 8)
    blind = torch.zeros(1, 2, 5, 5)
    blind[..., 1:] = float('-inf')  # every token sees the first one alone
    first = attn(x, blind)
    torch.testing.assert_close(first, first[:, :1].expand_as(first))
    torch.testing.assert_close(attn(x, torch.full((1, 2, 5, 5), 3.)), attn(x))


def test_key_bias_is_no_weight():
    block = BEiTBlock(8, 2, bias_grid=(2, 2), layer_scale_init=0.1)
    assert set(block.state_dict()) == {
        'gamma_1', 'gamma_2', 'norm1.weight', 'norm1.bias', 'norm2.weight', 'norm2.bias',
        'attn.q_bias', 'attn.v_bias', 'attn.relative_position_bias_table', 'attn.qkv.weight',
        'attn.proj.weight', 'attn.proj.bias', 'mlp.fc1.weight', 'mlp.fc1.bias',
        'mlp.fc2.weight', 'mlp.fc2.bias'}
