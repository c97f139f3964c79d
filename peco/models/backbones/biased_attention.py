"""BEiT's attention with the relative position bias as an explicit argument."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from timm.models.beit import Attention
from torch import Tensor, nn

from peco.utils.rel_pos_bias import num_table_rows

from .attention_span import AttentionSpan
from .fused_attention import fused_attention
from .scaled_linear import scaled_linear


class BiasedAttention(Attention):
    """Fused multi-head attention that adds the bias it is given and knows no grid.

    timm's attention turns its own table into a bias of one fixed window. Here the table is only
    stored (under timm's key) and whoever calls decides which bias it becomes.

    Args:
        dim: Channels of a token.
        num_heads: Attention heads.
        bias_grid: Grid of an own bias table; None if the layers share one or none exists.
        with_cls_token: Whether the table has rows for a class token.
        attn_drop: Dropout of attention weights.
        proj_drop: Dropout of the output.
    """

    def __init__(self,
                 dim: int,
                 num_heads: int,
                 bias_grid: tuple[int, int] | None = None,
                 with_cls_token: bool = True,
                 attn_drop: float = 0.,
                 proj_drop: float = 0.) -> None:
        super().__init__(
            dim, num_heads, qkv_bias=True, attn_drop=attn_drop, proj_drop=proj_drop)
        if bias_grid is not None:
            self.relative_position_bias_table = nn.Parameter(
                torch.zeros(num_table_rows(bias_grid, with_cls_token), num_heads))

    def forward(self, x: Tensor, shared_rel_pos_bias: Tensor | None = None,
                span: AttentionSpan | None = None, layer_scale: Tensor | None = None) -> Tensor:
        """Attend.

        Args:
            x: Tokens of shape ``(B, N, C)``.
            shared_rel_pos_bias: Bias added to the logits, broadcastable to ``(B, heads, N, N)``,
                or what ``span.bias`` made.
            span: Which tokens attend to which; all to all if not given.
            layer_scale: Factors ``(C,)`` of the outputs.

        Returns:
            Tokens of shape ``(B, N, C)``.
        """
        qkv = F.linear(x, self.qkv.weight, torch.cat((self.q_bias, self.k_bias, self.v_bias)))
        qkv = qkv.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        dropout = self.attn_drop.p if self.training else 0.
        if span is None:
            x = fused_attention(q, k, v, shared_rel_pos_bias, dropout)
        else:
            x = span(q, k, v, shared_rel_pos_bias, dropout)
        return self.proj_drop(scaled_linear(self.proj, x.transpose(1, 2).flatten(2), layer_scale))
