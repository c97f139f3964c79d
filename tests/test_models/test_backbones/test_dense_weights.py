"""Every kind of checkpoint gives a dense backbone the features of the model that wrote it."""

import pytest
import torch
from mmengine.runner import load_checkpoint
from timm.models.beit import Beit
from torch import nn

from peco.models.backbones import PeCoViT

DIM, LAYERS, HEADS, GRID = 16, 3, 2, 4
ARCH = dict(embed_dims=DIM, num_layers=LAYERS, num_heads=HEADS)
ROWS = (2 * GRID - 1)**2 + 3


def official_beit(shared):
    """A state dict in the layout of the official BEiT files, written out: names and shapes."""
    shapes = {'cls_token': (1, 1, DIM), 'patch_embed.proj.weight': (DIM, 3, 8, 8),
              'patch_embed.proj.bias': (DIM, )}
    for i in range(LAYERS):
        for name, shape in {
                'gamma_1': (DIM, ), 'gamma_2': (DIM, ), 'norm1.weight': (DIM, ),
                'norm1.bias': (DIM, ), 'norm2.weight': (DIM, ), 'norm2.bias': (DIM, ),
                'attn.q_bias': (DIM, ), 'attn.v_bias': (DIM, ), 'attn.qkv.weight': (3 * DIM, DIM),
                'attn.proj.weight': (DIM, DIM), 'attn.proj.bias': (DIM, ),
                'mlp.fc1.weight': (4 * DIM, DIM), 'mlp.fc1.bias': (4 * DIM, ),
                'mlp.fc2.weight': (DIM, 4 * DIM), 'mlp.fc2.bias': (DIM, )}.items():
            shapes[f'blocks.{i}.{name}'] = shape
        if not shared:
            shapes[f'blocks.{i}.attn.relative_position_bias_table'] = (ROWS, HEADS)
    if shared:  # self-supervised
        shapes |= {'mask_token': (1, 1, DIM), 'norm.weight': (DIM, ), 'norm.bias': (DIM, ),
                   'rel_pos_bias.relative_position_bias_table': (ROWS, HEADS),
                   'lm_head.weight': (8192, DIM), 'lm_head.bias': (8192, )}
    else:  # fine-tuned
        shapes |= {'fc_norm.weight': (DIM, ), 'fc_norm.bias': (DIM, ), 'head.weight': (10, DIM),
                   'head.bias': (10, )}
    gen = torch.Generator().manual_seed(0)
    state = {name: 0.3 * torch.randn(shape, generator=gen) for name, shape in shapes.items()}
    index = torch.zeros(GRID**2 + 1, GRID**2 + 1, dtype=torch.long)
    for owner in ['rel_pos_bias'] if shared else [f'blocks.{i}.attn' for i in range(LAYERS)]:
        state[f'{owner}.relative_position_index'] = index
    return state


def ours(prefix, **kwargs):
    torch.manual_seed(0)
    vit = build(**kwargs)
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.3)
    state = {prefix + key: value for key, value in vit.state_dict().items()}
    if prefix:
        state['head.fc.weight'] = torch.zeros(5, DIM)
    return state


def timm_beit():
    torch.manual_seed(0)
    beit = Beit(img_size=32, patch_size=8, embed_dim=DIM, depth=LAYERS, num_heads=HEADS,
                num_classes=3, init_values=0.1, use_abs_pos_emb=False, use_rel_pos_bias=True)
    for parameter in beit.parameters():
        nn.init.normal_(parameter, std=0.3)
    return beit.state_dict()


def build(**kwargs):
    return PeCoViT(**{'arch': ARCH, 'img_size': 32, 'patch_size': 8, **kwargs})


KINDS = {
    'pretrained, with prefix': lambda: dict(
        state_dict=ours('backbone.', mask_token=True, out_type='raw')),
    'pretrained, bare': lambda: ours('', mask_token=True, out_type='raw'),
    'fine-tuned': lambda: dict(
        state_dict=ours('backbone.', rel_pos_bias='per_layer', out_type='avg_featmap')),
    'official, self-supervised': lambda: dict(model=official_beit(shared=True)),
    'official, fine-tuned': lambda: dict(model=official_beit(shared=False)),
    'timm': timm_beit,
}


@pytest.mark.parametrize('via', ['init_cfg', 'load_checkpoint'])
@pytest.mark.parametrize('kind', KINDS)
def test_features_are_those_of_the_source(kind, via, tmp_path):
    path = str(tmp_path / 'weights.pth')
    torch.save(KINDS[kind](), path)
    shared = kind.startswith('pretrained') or 'self-supervised' in kind
    source = build(rel_pos_bias='shared' if shared else 'per_layer', out_type='featmap',
                   out_indices=(0, 1, 2), final_norm=False).eval()
    load_checkpoint(source, path, strict=True)
    dense = dict(rel_pos_bias='per_layer', out_type='featmap', out_indices=(0, 1, 2),
                 window_size=GRID, global_blocks=(1, ), final_norm=False)
    if via == 'init_cfg':
        vit = build(**dense, init_cfg=dict(type='Pretrained', checkpoint=path))
        vit.init_weights()
    else:
        vit = build(**dense)
        load_checkpoint(vit, path, strict=True)
    x = torch.randn(2, 3, 32, 32)
    for found, wanted in zip(vit.eval()(x), source(x), strict=True):
        assert torch.equal(found, wanted)
    # Windows of a large image use the very table of the file.
    table = vit.blocks[0].attn.relative_position_bias_table
    first = source.rel_pos_bias or source.blocks[0].attn
    assert torch.equal(table, first.relative_position_bias_table)
    assert all(out.isfinite().all() for out in vit(torch.randn(1, 3, 50, 70)))


def test_global_blocks_without_bias_leave_their_tables_out(tmp_path):
    path = str(tmp_path / 'weights.pth')
    torch.save(KINDS['fine-tuned'](), path)
    vit = build(rel_pos_bias='per_layer', out_type='featmap', window_size=GRID,
                global_blocks=(1, ), global_bias='none', final_norm=False)
    load_checkpoint(vit, path, strict=True)
    assert vit.blocks[1].attn.relative_position_bias_table is None


def test_a_wrong_file_is_refused(tmp_path):
    path = str(tmp_path / 'weights.pth')
    torch.save(dict(state_dict={'conv1.weight': torch.zeros(3)}), path)
    vit = build(init_cfg=dict(type='Pretrained', checkpoint=path))
    with pytest.raises(ValueError, match='no weights for this backbone'):
        vit.init_weights()
