"""PeCoViT on large images: windows, global blocks, padding."""

import pytest
import torch

from peco.models.backbones import PeCoViT
from peco.models.backbones.whole_image import WholeImage
from peco.models.backbones.windows import Windows

ARCH = dict(embed_dims=32, num_layers=4, num_heads=2)


def build(**kwargs):
    torch.manual_seed(0)
    vit = PeCoViT(**{'arch': ARCH, 'img_size': 32, 'patch_size': 8, 'rel_pos_bias': 'per_layer',
                     'out_type': 'featmap', **kwargs})
    for parameter in vit.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return vit


def windowed(**kwargs):
    return build(**{'window_size': 4, 'global_blocks': (1, 3), **kwargs})


def images(height, width, batch=2):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('rel_pos_bias', ['shared', 'per_layer', None])
@pytest.mark.parametrize('with_cls_token', [True, False])
@pytest.mark.parametrize('global_blocks', [(), (1, 3), (-1, )])
def test_one_window_is_the_pretrained_network(rel_pos_bias, with_cls_token, global_blocks):
    same = dict(rel_pos_bias=rel_pos_bias, with_cls_token=with_cls_token)
    plain = build(**same).eval()
    vit = windowed(global_blocks=global_blocks, **same).eval()
    vit.load_state_dict(plain.state_dict(), strict=True)
    assert torch.equal(vit(images(32, 32))[0], plain(images(32, 32))[0])


@pytest.mark.parametrize('rel_pos_bias', ['shared', 'per_layer'])
def test_every_full_window_is_an_image_of_its_own(rel_pos_bias):
    """Without class token and global block nothing else of the image reaches a window."""
    same = dict(rel_pos_bias=rel_pos_bias, with_cls_token=False)
    plain, vit = build(**same).eval(), windowed(global_blocks=(), **same).eval()
    vit.load_state_dict(plain.state_dict())
    x = images(48, 88)  # 6 x 11 patches: full and partly filled windows
    out = vit(x)[0]
    for window in range(2):
        columns = slice(32 * window, 32 * window + 32)
        torch.testing.assert_close(
            out[:, :, :4, 4 * window:4 * window + 4], plain(x[:, :, :32, columns])[0],
            rtol=0, atol=1e-4)


def test_global_blocks_carry_across_windows():
    vit = windowed(with_cls_token=False).eval()
    x = images(64, 64)
    other = x.clone()
    other[:, :, :8, :8] += 1.
    assert (vit(x)[0] != vit(other)[0]).any(1).all()


@pytest.mark.parametrize('size, grid', [
    ((32, 32), (4, 4)), ((57, 90), (8, 12)), ((1, 3), (1, 1)), ((40, 17), (5, 3))])
@pytest.mark.parametrize('kwargs', [
    dict(), dict(window_size=4, global_blocks=(1, 3)), dict(window_size=3, with_cls_token=False),
    dict(window_size=4, global_blocks=(3, ), max_logits=1500)])
def test_any_image_size(size, grid, kwargs):
    vit = build(out_indices=(0, 3), **kwargs).eval()
    outs = vit(images(*size))
    assert [out.shape for out in outs] == [(2, 32, *grid)] * 2
    padded = torch.zeros(2, 3, grid[0] * 8, grid[1] * 8)
    padded[:, :, :size[0], :size[1]] = images(*size)
    for out, wanted in zip(outs, vit(padded), strict=True):
        assert torch.equal(out, wanted)


def test_masks_and_other_outputs_are_still_held_to_whole_patches():
    with pytest.raises(ValueError, match='57x90 is not a whole number of patches'):
        windowed(out_type='raw')(images(57, 90))
    with pytest.raises(ValueError, match='the mask covers'):
        windowed(mask_token=True)(images(57, 90), torch.zeros(2, 7, 11))


@pytest.mark.parametrize('with_cp', [False, True])
@pytest.mark.parametrize('kwargs', [
    dict(), dict(rel_pos_bias='shared'), dict(global_bias='none'), dict(max_logits=1500),
    dict(rel_pos_bias='shared', global_bias='none'), dict(with_cls_token=False),
    dict(global_blocks=()), dict(rel_pos_bias='shared', max_logits=1500)])
def test_every_parameter_gets_a_gradient(kwargs, with_cp):
    vit = windowed(with_cp=with_cp, out_indices=(1, 3), **kwargs).train()
    sum((out * torch.randn_like(out)).sum() for out in vit(images(48, 88))).backward()
    for name, parameter in vit.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize('rel_pos_bias', ['shared', 'per_layer'])
def test_neither_checkpointing_nor_chunks_change_gradients(rel_pos_bias):
    grads = []
    for kwargs in (dict(), dict(with_cp=True), dict(max_logits=1500),
                   dict(with_cp=True, max_logits=1500)):
        vit = windowed(rel_pos_bias=rel_pos_bias, drop_path_rate=0.3, **kwargs).double().train()
        torch.manual_seed(1)
        vit(images(48, 88).double())[0].square().sum().backward()
        grads.append([parameter.grad for parameter in vit.parameters()])
    for other in grads[1:]:
        for found, wanted in zip(other, grads[0], strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


def test_global_blocks_without_bias_have_no_table():
    tables = [block.attn.relative_position_bias_table is not None
              for block in windowed(global_bias='none').blocks]
    assert tables == [True, False, True, False]


def test_spans_follow_the_arguments():
    def kinds(vit):
        return [type(vit._span(i, (9, 9))) for i in range(4)]
    assert kinds(build()) == [WholeImage] * 4
    assert kinds(windowed(global_blocks=(-4, 2))) == [WholeImage, Windows, WholeImage, Windows]
    span = windowed(max_logits=82 * 5)._span(1, (9, 9))
    assert span.chunk == 5 and windowed()._span(1, (9, 9)).chunk is None


@pytest.mark.parametrize('kwargs, message', [
    (dict(window_size=0), 'window_size must be at least 1, got 0'),
    (dict(global_blocks=(4, )), r'global_blocks=\(4,\) must name blocks'),
    (dict(global_blocks=(3, 1)), r'global_blocks=\(3, 1\) must rise'),
    (dict(global_bias='both'), "got 'both'"),
    (dict(window_size=None), 'need a window_size'),
    (dict(window_size=None, global_blocks=(), global_bias='none'), 'need a window_size'),
    (dict(global_blocks=(0, 1, 2, 3), global_bias='none'), 'set rel_pos_bias=None'),
])
def test_wrong_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        windowed(**kwargs)


def test_bfloat16_autocast_is_close_to_float32():
    vit = windowed(max_logits=1500, init_cfg=None).train()
    for parameter in vit.parameters():
        parameter.data *= 0.3
    wanted = vit(images(48, 88))[0]
    with torch.autocast('cpu', torch.bfloat16):
        out = vit(images(48, 88))[0]
    out.float().square().sum().backward()
    assert (out - wanted).abs().mean() < 0.02 * wanted.abs().mean()
