"""The one bias table that all blocks share during pretraining."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from peco.utils.rel_pos_bias import num_table_rows, table_to_bias


class SharedRelPosBias(nn.Module):
    """Holder of the shared table, under timm's key ``rel_pos_bias.relative_position_bias_table``.

    Args:
        grid: Grid of the table.
        num_heads: Attention heads.
        with_cls_token: Whether the table has rows for a class token.
    """

    def __init__(self, grid: tuple[int, int], num_heads: int, with_cls_token: bool = True) -> None:
        super().__init__()
        self.grid = grid
        self.with_cls_token = with_cls_token
        self.relative_position_bias_table = nn.Parameter(
            torch.zeros(num_table_rows(grid, with_cls_token), num_heads))

    def forward(self, grid: tuple[int, int]) -> Tensor:
        """Bias of shape ``(1, num_heads, N, N)`` at any grid."""
        return table_to_bias(self.relative_position_bias_table, self.grid, grid,
                             self.with_cls_token)
