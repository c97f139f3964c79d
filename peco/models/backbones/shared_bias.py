"""The one bias table that all blocks share during pretraining."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from peco.utils.rel_pos_bias import num_table_rows

from .attention_span import AttentionSpan


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
        self.relative_position_bias_table = nn.Parameter(
            torch.zeros(num_table_rows(grid, with_cls_token), num_heads))

    def forward(self, span: AttentionSpan) -> Tensor:
        """The bias that a kind of attention adds."""
        return span.bias(self.relative_position_bias_table, self.grid)
