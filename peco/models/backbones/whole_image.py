"""Attention of every token to every token, in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from peco.utils.rel_pos_bias import bias_rows, resize_bias_table, table_to_bias

from .attention_span import AttentionSpan
from .fused_attention import fused_attention


class WholeImage(AttentionSpan):
    """The attention of a global block.

    A relative position bias that is being trained keeps torch from its kernels that make no
    ``(N, N)`` tensor (on a CPU), or is itself one (everywhere): 0.8 GiB a block at 4,200 tokens
    and 12 heads. Above ``max_logits`` the queries are therefore taken in chunks. Each makes its
    own rows of the bias, and nothing of a chunk is kept for the backward pass, which makes it
    again. The result is the same.

    Args:
        grid: Rows and columns of patches.
        with_cls_token: Whether a class token precedes them.
        max_logits: Pairs of a query and a key, for each head and image, that exist at once.

    Example:
        >>> import torch
        >>> span = WholeImage((30, 40), max_logits=2**18)
        >>> q = k = v = torch.rand(1, 2, 1201, 8)
        >>> table = torch.zeros(27 * 27 + 3, 2, requires_grad=True)
        >>> span(q, k, v, span.bias(table, (14, 14))).shape
        torch.Size([1, 2, 1201, 8])
    """

    def __init__(self, grid: tuple[int, int], with_cls_token: bool = True,
                 max_logits: int = 2**21) -> None:
        self.grid = grid
        self.with_cls_token = with_cls_token
        num_tokens = grid[0] * grid[1] + with_cls_token
        #: Queries in a chunk, None for all at once.
        self.chunk = None if num_tokens**2 <= max_logits else max(1, max_logits // num_tokens)

    def bias(self, table: Tensor, src_grid: tuple[int, int]) -> Tensor:
        """Bias ``(1, num_heads, N, N)`` or, for attention in chunks, the table of this grid."""
        if self.chunk is None:
            return table_to_bias(table, src_grid, self.grid, self.with_cls_token)
        return resize_bias_table(table, src_grid, self.grid, self.with_cls_token)

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None,
                 dropout_p: float = 0.) -> Tensor:
        """Attend to every token."""
        if bias is None or self.chunk is None:
            return fused_attention(q, k, v, bias, dropout_p)
        outs = []
        for start in range(0, q.size(2), self.chunk):
            part = q[:, :, start:start + self.chunk]
            if torch.is_grad_enabled() and bias.requires_grad:
                outs.append(checkpoint(self._attend, part, k, v, bias, start, dropout_p,
                                       use_reentrant=False))
            else:
                outs.append(self._attend(part, k, v, bias, start, dropout_p))
        return torch.cat(outs, dim=2)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, table: Tensor, start: int,
                dropout_p: float) -> Tensor:
        bias = bias_rows(table, self.grid, start, start + q.size(2), self.with_cls_token)
        return fused_attention(q, k, v, bias, dropout_p)
