"""Fit a checkpoint to the backbone that loads it, or refuse it in one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from mmengine.logging import print_log
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn

from peco.utils.rel_pos_bias import (
    NUM_CLS_ROWS,
    num_table_rows,
    resize_bias_table,
    square_table_grid,
)

ANCHOR = 'patch_embed.proj.weight'
_TABLE = 'relative_position_bias_table'
_SHARED_TABLE = f'rel_pos_bias.{_TABLE}'
# Keys under which files hold their weights.
WRAPPERS = ('state_dict', 'model', 'module')
# A task may lack or have these without being another architecture.
_OPTIONAL = re.compile(r'^(cls_token|mask_token|pos_embed|(fc_)?norm\.\w+|rel_pos_bias\..*|'
                       rf'blocks\.\d+\.attn\.{_TABLE})$')


def adapt_state_dict(backbone: nn.Module, state_dict: dict, prefix: str, *unused) -> None:
    """Rewrite ``state_dict`` in place so that ``backbone`` can load it (a load pre-hook).

    Finds the backbone's keys under any prefix, copies a shared bias table to each layer,
    resizes bias tables and absolute positions, drops index buffers and what this task does not
    have, and logs in one line how much was loaded, what was changed, left out and left at its
    initial value. A checkpoint that fits as it is, as in resuming, is not worth a line.

    Args:
        backbone: The :class:`PeCoViT` that is loading.
        state_dict: State dict being loaded; other modules' keys stay unless they come from a
            whole model loaded into a bare backbone.
        prefix: Prefix of the backbone's keys in ``state_dict``.

    Raises:
        ValueError: If no key matches, a block is missing, or a shape differs.
    """
    source, foreign = _take_source(backbone, state_dict, prefix)
    notes: list[str] = []
    own = backbone.state_dict()
    _adapt_tables(backbone, source, own, notes)
    _adapt_positions(backbone, source, own, notes)

    left_out = sorted(set(source) - set(own))
    unknown = [key for key in left_out if re.match(r'^blocks\.\d+\.', key)
               and int(key.split('.')[1]) < len(backbone.blocks) and not _OPTIONAL.match(key)]
    missing = sorted(set(own) - set(source))
    lost = [key for key in missing if not _OPTIONAL.match(key)]
    if unknown or lost:
        raise ValueError(_other_architecture(
            backbone, [f'{key} is missing' for key in lost] +
            [f'{key} has no place in the model' for key in unknown]))
    wrong = [f'{key} is {tuple(source[key].shape)} in the checkpoint and {tuple(own[key].shape)} '
             'in the model' for key in own if key in source
             and source[key].shape != own[key].shape]
    if wrong:
        raise ValueError(_other_architecture(backbone, wrong))

    if left_out or foreign:
        notes.append('left out ' + _abridge(left_out + foreign))
    if missing:
        notes.append('kept at the initial value ' + _abridge(missing))
    if notes:
        print_log(f'PeCoViT loaded a checkpoint: {len(own) - len(missing)} of {len(own)} weights; '
                  + '; '.join(notes) + '.', logger='current')
    state_dict.update({prefix + key: source[key] for key in own if key in source})


def _other_architecture(backbone: nn.Module, problems: list[str]) -> str:
    more = f' (and {len(problems) - 3} more)' if len(problems) > 3 else ''
    return ('the checkpoint belongs to another architecture than this backbone '
            f'(embed_dims={backbone.embed_dims}, num_layers={backbone.num_layers}, '
            f'num_heads={backbone.num_heads}, patch_size={backbone.patch_size}): '
            + '; '.join(problems[:3]) + more)


def _abridge(keys: list[str], limit: int = 6) -> str:
    """List keys, with the blocks' keys drawn together (``blocks.*.attn...``)."""
    short = list(dict.fromkeys(re.sub(r'^blocks\.\d+\.', 'blocks.*.', key) for key in keys))
    more = f' and {len(short) - limit} more' if len(short) > limit else ''
    return ', '.join(short[:limit]) + more


def _take_source(backbone: nn.Module, state_dict: dict, prefix: str
                 ) -> tuple[dict[str, Tensor], list[str]]:
    """Remove the backbone's entries from the state dict and return them without prefix.

    Also returns the keys of other modules that a whole model brings to a bare backbone.
    """
    while len(wrapped := [key for key in WRAPPERS if isinstance(state_dict.get(key), Mapping)]):
        inner = dict(state_dict[wrapped[0]])
        state_dict.clear()
        state_dict.update(inner)
    found = prefix
    if prefix + ANCHOR not in state_dict:
        anchors = [key for key in state_dict if key.endswith('.' + ANCHOR)]
        if not anchors:
            seen = ', '.join(list(state_dict)[:3])
            seen = f'its keys begin with {seen}' if seen else 'it has no key of a backbone'
            raise ValueError(
                f'the checkpoint has no weights for this backbone: no key ends in {ANCHOR} '
                f'({seen}); to load the weights of a bare backbone into '
                "a whole model, name the file in the backbone's "
                "init_cfg=dict(type='Pretrained', checkpoint=...)")
        # 'backbone.' before 'momentum_encoder.backbone.' and the like.
        found = min(anchors, key=len)[:-len(ANCHOR)]
    source, foreign = {}, []
    for key in list(state_dict):
        if key.startswith(found):
            source[key[len(found):]] = state_dict.pop(key)
        elif not prefix:
            foreign.append(key)
            del state_dict[key]
    # Index buffers of older codes are no weights: not worth a word.
    source = {key: value for key, value in source.items()
              if not key.endswith('relative_position_index')}
    return source, foreign


def _adapt_tables(backbone: nn.Module, source: dict, own: dict, notes: list[str]) -> None:
    """Shared to per-layer, class token rows, resize."""
    layer_keys = [key for key in own if key.endswith(_TABLE) and key != _SHARED_TABLE]
    if _SHARED_TABLE in source and layer_keys:
        shared = source.pop(_SHARED_TABLE)
        for key in layer_keys:
            # A file with both has one bias that is the sum of the two.
            source[key] = source[key] + shared if key in source else shared.clone()
        notes.append('copied the shared bias table to each layer')
    elif _SHARED_TABLE in own and _SHARED_TABLE not in source and any(
            key.endswith(_TABLE) for key in source):
        raise ValueError('the checkpoint has a bias table for each layer, the backbone has a '
                         "shared one: build it with rel_pos_bias='per_layer'")
    resized = set()
    for key in (_SHARED_TABLE, *layer_keys):
        if key not in source or key not in own or source[key].shape == own[key].shape:
            continue
        table, heads = source[key], own[key].size(1)
        if table.ndim != 2 or table.size(1) != heads:
            continue  # reported as a wrong shape
        source[key], src_grid = _fit_table(table, backbone)
        resized.add(f'{src_grid[0]}x{src_grid[1]}')
    if resized:
        notes.append(f'resized bias tables from {", ".join(sorted(resized))} to '
                     f'{backbone.grid[0]}x{backbone.grid[1]}')


def _fit_table(table: Tensor, backbone: nn.Module) -> tuple[Tensor, tuple[int, int]]:
    # (2h - 1)(2w - 1) is odd; the three rows of a class token make the number even.
    has_cls = table.size(0) % 2 == 0
    if table.size(0) == num_table_rows(backbone.grid, has_cls):
        src_grid = backbone.grid
    else:
        src_grid = square_table_grid(table.size(0), has_cls)
    table = resize_bias_table(table, src_grid, backbone.grid, has_cls)
    if has_cls and not backbone.with_cls_token:
        table = table[:-NUM_CLS_ROWS]
    elif backbone.with_cls_token and not has_cls:
        table = torch.cat([table, table.new_zeros(NUM_CLS_ROWS, table.size(1))])
    return table, src_grid


def _adapt_positions(backbone: nn.Module, source: dict, own: dict, notes: list[str]) -> None:
    """Resize absolute positions; drop or add that of the class token."""
    if 'pos_embed' not in source or 'pos_embed' not in own:
        return
    given, wanted = source['pos_embed'], own['pos_embed']
    if given.shape == wanted.shape or given.size(-1) != wanted.size(-1):
        return
    has_cls = int('cls_token' in source)
    patches = given[:, has_cls:]
    side = round(patches.size(1)**0.5)
    num_wanted = backbone.grid[0] * backbone.grid[1]
    if patches.size(1) != num_wanted:
        if side * side != patches.size(1):
            raise ValueError(f'pos_embed of the checkpoint covers {patches.size(1)} patches, not '
                             'a square grid, so it cannot be resized; build the model with the '
                             'img_size that it was trained with')
        patches = resample_abs_pos_embed(
            patches, backbone.grid, (side, side), num_prefix_tokens=0)
        notes.append(f'resized pos_embed from {side}x{side} to '
                     f'{backbone.grid[0]}x{backbone.grid[1]}')
    if backbone.with_cls_token:
        cls = given[:, :1] if has_cls else torch.zeros_like(given[:, :1])
        patches = torch.cat([cls, patches], dim=1)
    source['pos_embed'] = patches
