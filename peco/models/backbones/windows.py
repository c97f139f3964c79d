"""Attention inside the windows of an image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from peco.utils.rel_pos_bias import table_to_bias

from .attention_span import AttentionSpan
from .fused_attention import fused_attention

Cut = tuple[slice, int]


class Windows(AttentionSpan):
    """The attention of a windowed block: a grid of patches cut into squares.

    Where the size of a window does not divide the grid, the last row and column of windows are
    partly filled. They are attended at the size they have, with the rows of the bias that belong
    to the patches they hold. That equals a grid padded to whole windows with the padding masked
    out, without its cost: there is no token that is no patch. All windows of one size, of which
    there are at most four, are one batch.

    The class token, where there is one, is a key of every window and itself attends to the whole
    image, so that what pretraining taught the patches to read from it stays readable. An image
    of one window is attended exactly as by a global block.

    Args:
        grid: Rows and columns of patches.
        size: Side of a window in patches.
        with_cls_token: Whether a class token precedes the patches.

    Example:
        >>> import torch
        >>> span = Windows((50, 84), size=14)
        >>> q = k = v = torch.rand(1, 12, 50 * 84 + 1, 64)
        >>> span(q, k, v, span.bias(torch.zeros(27 * 27 + 3, 12), (14, 14))).shape
        torch.Size([1, 12, 4201, 64])
    """

    def __init__(self, grid: tuple[int, int], size: int, with_cls_token: bool = True) -> None:
        self.grid = grid
        self.size = size
        self.num_cls = int(with_cls_token)

    def bias(self, table: Tensor, src_grid: tuple[int, int]) -> Tensor:
        """Bias of a full window, ``(1, num_heads, n, n)``; a table of its size is used as it is."""
        return table_to_bias(table, src_grid, (self.size, self.size), bool(self.num_cls))

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None,
                 dropout_p: float = 0.) -> Tensor:
        """Attend within the windows."""
        if max(self.grid) <= self.size:
            return fused_attention(
                q, k, v, self._part_of_bias(bias, *self.grid), dropout_p)
        grids = [x[:, :, self.num_cls:].unflatten(2, self.grid) for x in (q, k, v)]
        cls_keys = [x[:, :, :self.num_cls] for x in (k, v)]
        rows = [torch.cat([self._attend(grids, cls_keys, row, column, bias, dropout_p)
                           for column in self._cuts(self.grid[1])], dim=3)
                for row in self._cuts(self.grid[0])]
        out = torch.cat(rows, dim=2).flatten(2, 3)
        if not self.num_cls:
            return out
        cls = fused_attention(
            q[:, :, :1], k, v, self._bias_of_cls(bias), dropout_p)
        return torch.cat([cls, out], dim=2)

    def _cuts(self, length: int) -> Iterator[Cut]:
        """Cut an axis into what whole windows cover and the rest, each with its window's side."""
        whole = length // self.size * self.size
        if whole:
            yield slice(0, whole), self.size
        if length > whole:
            yield slice(whole, length), length - whole

    def _attend(self, grids: list[Tensor], cls_keys: list[Tensor], row: Cut, column: Cut,
                bias: Tensor | None, dropout_p: float) -> Tensor:
        """Attention in the windows, all of one size, of a region of the grid."""
        (rows, height), (columns, width) = row, column
        # (B, heads, rows, columns, d) -> (B * windows, heads, height * width, d)
        parts = [x[:, :, rows, columns].unflatten(3, (-1, width)).unflatten(2, (-1, height))
                 .permute(0, 2, 4, 1, 3, 5, 6) for x in grids]
        batch, down, across = parts[0].shape[:3]
        q, k, v = (part.flatten(0, 2).flatten(2, 3) for part in parts)
        if self.num_cls:
            k, v = (torch.cat([cls.repeat_interleave(down * across, dim=0), x], dim=2)
                    for cls, x in zip(cls_keys, (k, v), strict=True))
        part_bias = self._part_of_bias(bias, height, width)
        if part_bias is not None:
            part_bias = part_bias[:, :, self.num_cls:]
        out = fused_attention(q, k, v, part_bias, dropout_p)
        out = out.unflatten(2, (height, width)).unflatten(0, (batch, down, across))
        return out.permute(0, 3, 1, 4, 2, 5, 6).flatten(4, 5).flatten(2, 3)

    def _part_of_bias(self, bias: Tensor | None, height: int, width: int) -> Tensor | None:
        """Bias of a window that holds fewer patches: those of the corner of a full one."""
        if bias is None or (height, width) == (self.size, self.size):
            return bias
        rows = torch.arange(height, device=bias.device)[:, None] * self.size
        patches = (rows + torch.arange(width, device=bias.device)).flatten() + self.num_cls
        tokens = torch.cat([torch.arange(self.num_cls, device=bias.device), patches])
        return bias.index_select(2, tokens).index_select(3, tokens)

    def _bias_of_cls(self, bias: Tensor | None) -> Tensor | None:
        """Bias of the class token to itself and to every patch, the same for all patches."""
        if bias is None:
            return None
        num_patches = self.grid[0] * self.grid[1]
        return torch.cat([bias[:, :, :1, :1], bias[:, :, :1, 1:2].expand(-1, -1, -1, num_patches)],
                         dim=3)
