"""Relative position bias: index, geometric resize, and the bias itself, as functions of a table.

A table has one row for each relative offset of a ``(h, w)`` grid, ``(2h - 1)(2w - 1)`` in all,
row by row, and, with a class token, three more: class to patch, patch to class, class to class.
The resize is linear in the table, so gradients reach the table at every grid size and the
parameter that an optimizer holds is never replaced.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from timm.layers.pos_embed_rel import gen_relative_position_index
from torch import Tensor

Grid = tuple[int, int]

#: Rows of a table that belong to the class token.
NUM_CLS_ROWS = 3


def num_table_rows(grid: Grid, with_cls_token: bool = True) -> int:
    """Number of rows of the bias table of a grid.

    Args:
        grid: Rows and columns of patches.
        with_cls_token: Whether a class token precedes the patches.
    """
    return (2 * grid[0] - 1) * (2 * grid[1] - 1) + NUM_CLS_ROWS * with_cls_token


def square_table_grid(num_rows: int, with_cls_token: bool = True) -> Grid:
    """Grid of a table, which must be that of a square grid.

    Args:
        num_rows: Rows of the table.
        with_cls_token: Whether the last three of them belong to a class token.

    Raises:
        ValueError: If no square grid has so many rows.
    """
    area = num_rows - NUM_CLS_ROWS * with_cls_token
    side = math.isqrt(max(area, 0))
    if side * side != area or side % 2 == 0:
        raise ValueError(f'a relative position bias table of {num_rows} rows belongs to no square '
                         'grid of patches, so it cannot be resized; build the model with the '
                         'img_size that the table was trained with')
    return (side + 1) // 2, (side + 1) // 2


# Few: an index of 1,500 tokens takes 18 MB.
@lru_cache(maxsize=8)
def relative_position_index(grid: Grid, with_cls_token: bool, device: torch.device) -> Tensor:
    """Table row for each pair of tokens, int64 of shape ``(N, N)``.

    Args:
        grid: Rows and columns of patches.
        with_cls_token: Whether a class token precedes the patches.
        device: Where the index lives; the result is cached for each.
    """
    # Cached tensors must stay usable in training after a first call in inference mode.
    with torch.inference_mode(False):
        return gen_relative_position_index(grid, class_token=with_cls_token, device=device)


def _geometric_positions(src: int, dst: int) -> list[float]:
    """Where BEiT puts ``src`` offsets among ``dst``: gaps that grow as a geometric series.

    The ratio is found by bisection so that the outermost source offset falls on the outermost
    target offset; the innermost offsets keep their distance of one. BEiT looks for it between 1.01
    and 1.5 only, and misses the outermost offset where ``dst`` is hardly more than ``src``.
    """
    def reach(ratio: float) -> float:
        return (1 - ratio**(src // 2)) / (1 - ratio)

    low, high, precision = 1.01, 1.5, 1e-6
    if reach(low) > dst // 2:
        low, high, precision = 1., low, 1e-9
    ratio = low
    while high - low > precision:
        ratio = (low + high) / 2
        if reach(ratio) > dst // 2:
            high = ratio
        else:
            low = ratio
    positions, position = [], 1.
    for i in range(src // 2):
        positions.append(position)
        position += ratio**(i + 1)
    return [-p for p in reversed(positions)] + [0.] + positions


@lru_cache(maxsize=64)
def axis_weights(src: int, dst: int, device: torch.device) -> Tensor:
    """Interpolation weights of one axis, float32 of shape ``(2 dst - 1, 2 src - 1)``.

    Args:
        src: Patches along the axis that the table was made for.
        dst: Patches along the axis that are wanted.
        device: Where the weights live; the result is cached for each.

    Returns:
        Rows that sum to one: the identity where ``src == dst``, its middle where ``src > dst``,
        since every offset that is wanted is in the table.
    """
    with torch.inference_mode(False):
        num_src, num_dst = 2 * src - 1, 2 * dst - 1
        if src >= dst:
            return torch.eye(num_src, device=device)[src - dst:src + dst - 1]
        if src == 1:
            return torch.ones(num_dst, 1, device=device)
        points = torch.tensor(_geometric_positions(num_src, num_dst))
        wanted = torch.arange(num_dst, dtype=points.dtype) - num_dst // 2
        wanted = wanted.clamp(points[0], points[-1])
        right = torch.bucketize(wanted, points).clamp(1, num_src - 1)
        left = right - 1
        share = (wanted - points[left]) / (points[right] - points[left])
        weights = torch.zeros(num_dst, num_src)
        rows = torch.arange(num_dst)
        weights[rows, left] = 1 - share
        weights[rows, right] = share
        return weights.to(device)


def resize_bias_table(table: Tensor, src_grid: Grid, dst_grid: Grid,
                      with_cls_token: bool = True) -> Tensor:
    """Resize a bias table to another grid, linearly between BEiT's geometric nodes.

    BEiT's own code has cubic splines between them. Equals
    ``timm.layers.resize_rel_pos_bias_table`` on square grids that are larger by more than a few
    patches, is exact on smaller ones, takes non-square grids too, returns the table itself for an
    unchanged grid, and is differentiable.

    Args:
        table: Table of shape ``(rows, num_heads)``.
        src_grid: Grid of the table.
        dst_grid: Grid that is wanted.
        with_cls_token: Whether the last three rows belong to a class token; they are kept.

    Returns:
        Table of ``dst_grid`` in the dtype of ``table``.

    Raises:
        ValueError: If the table's rows do not fit ``src_grid``.

    Example:
        >>> import torch
        >>> resize_bias_table(torch.zeros(27 * 27 + 3, 12), (14, 14), (24, 16)).shape
        torch.Size([1460, 12])
    """
    if table.size(0) != num_table_rows(src_grid, with_cls_token):
        raise ValueError(
            f'a {src_grid[0]}x{src_grid[1]} grid {"with" if with_cls_token else "without"} class '
            f'token has {num_table_rows(src_grid, with_cls_token)} bias rows, the table has '
            f'{table.size(0)}')
    if tuple(src_grid) == tuple(dst_grid):
        return table
    area = (2 * src_grid[0] - 1) * (2 * src_grid[1] - 1)
    offsets, cls_rows = table[:area], table[area:]
    # In fp32 or better also under autocast: this makes a weight, not an activation.
    offsets = offsets.to(torch.promote_types(table.dtype, torch.float32))
    rows, columns = (axis_weights(src, dst, table.device).to(offsets.dtype)
                     for src, dst in zip(src_grid, dst_grid, strict=True))
    grid_table = offsets.reshape(rows.size(1), columns.size(1), -1)
    with torch.autocast(table.device.type, enabled=False):
        # One axis after the other: at once, einsum would first multiply the two matrices.
        grid_table = torch.einsum('yi,ijh->yjh', rows, grid_table)
        grid_table = torch.einsum('xj,yjh->yxh', columns, grid_table)
    return torch.cat([grid_table.flatten(0, 1).to(table.dtype), cls_rows])


def table_to_bias(table: Tensor, src_grid: Grid, dst_grid: Grid,
                  with_cls_token: bool = True) -> Tensor:
    """Bias of every pair of tokens.

    Args:
        table: Table of shape ``(rows, num_heads)``.
        src_grid: Grid of the table.
        dst_grid: Grid of the tokens at hand.
        with_cls_token: Whether a class token precedes the patches.

    Returns:
        Bias of shape ``(1, num_heads, N, N)`` to add to the attention logits.
    """
    table = resize_bias_table(table, src_grid, dst_grid, with_cls_token)
    index = relative_position_index(tuple(dst_grid), with_cls_token, table.device)
    return _gather(table, index)


def bias_rows(table: Tensor, grid: Grid, start: int, stop: int,
              with_cls_token: bool = True) -> Tensor:
    """Bias of some queries and every key: rows of :func:`table_to_bias`, at the table's own grid.

    No ``(N, N)`` tensor is made, nor kept.

    Args:
        table: Table of shape ``(rows, num_heads)`` of ``grid``.
        grid: Rows and columns of patches.
        start: First query token, counted with the class token.
        stop: One after the last query token.
        with_cls_token: Whether a class token precedes the patches.

    Returns:
        Bias of shape ``(1, num_heads, stop - start, N)``.
    """
    height, width = grid
    num_cls = int(with_cls_token)
    query = torch.arange(max(start - num_cls, 0), stop - num_cls, device=table.device)
    rows = (query // width)[:, None] - torch.arange(height, device=table.device) + height - 1
    columns = (query % width)[:, None] - torch.arange(width, device=table.device) + width - 1
    index = (rows[:, :, None] * (2 * width - 1) + columns[:, None, :]).flatten(1)
    if with_cls_token:
        to_patch, to_cls, cls_to_cls = range(table.size(0) - NUM_CLS_ROWS, table.size(0))
        index = torch.cat([index.new_full((len(index), 1), to_cls), index], dim=1)
        if start == 0:
            first = index.new_full((1, height * width + 1), to_patch)
            first[:, 0] = cls_to_cls
            index = torch.cat([first, index])
    return _gather(table, index)


def _gather(table: Tensor, index: Tensor) -> Tensor:
    """Rows of a table as a bias of shape ``(1, num_heads, *index.shape)``."""
    if table.is_cuda:  # there the gradient of index_select depends on the order of threads
        return table[index.flatten()].view(*index.shape, -1).permute(2, 0, 1).contiguous()[None]
    # Head by head, which is up to four times as fast on a CPU, the gradient above all.
    bias = table.t().contiguous().index_select(1, index.flatten())
    return bias.view(1, -1, *index.shape)
