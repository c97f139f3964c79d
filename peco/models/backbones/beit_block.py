"""timm's BEiT block around the attention of this package."""

from __future__ import annotations

from timm.models.beit import Block
from torch import Tensor

from .attention_span import AttentionSpan
from .biased_attention import BiasedAttention
from .scaled_linear import scaled_linear


class BEiTBlock(Block):
    """Pre-norm transformer block of BEiT: stochastic depth once for each branch, layer scale.

    Args:
        dim: Channels of a token.
        num_heads: Attention heads.
        mlp_ratio: Width of the MLP over ``dim``.
        drop: Dropout of the outputs of attention and MLP and inside the MLP.
        attn_drop: Dropout of attention weights.
        drop_path: Probability that a sample skips a branch.
        layer_scale_init: First value of the layer scale; None for no layer scale.
        bias_grid: Grid of the block's own bias table, if it has one.
        with_cls_token: Whether that table has rows for a class token.
    """

    def __init__(self,
                 dim: int,
                 num_heads: int,
                 mlp_ratio: float = 4.,
                 drop: float = 0.,
                 attn_drop: float = 0.,
                 drop_path: float = 0.,
                 layer_scale_init: float | None = None,
                 bias_grid: tuple[int, int] | None = None,
                 with_cls_token: bool = True) -> None:
        super().__init__(
            dim,
            num_heads,
            qkv_bias=True,
            mlp_ratio=mlp_ratio,
            proj_drop=drop,
            attn_drop=attn_drop,
            drop_path=drop_path,
            init_values=layer_scale_init)
        self.attn = BiasedAttention(dim, num_heads, bias_grid, with_cls_token, attn_drop, drop)

    def forward(self, x: Tensor, shared_rel_pos_bias: Tensor | None = None,
                span: AttentionSpan | None = None) -> Tensor:
        """Transform tokens; arguments and result are those of the attention.

        Args:
            x: Tokens of shape ``(B, N, C)``.
            shared_rel_pos_bias: Bias, see :meth:`BiasedAttention.forward`.
            span: Which tokens attend to which; all to all if not given.

        Returns:
            Tokens of shape ``(B, N, C)``.
        """
        x = x + self.drop_path1(self.attn(self.norm1(x), shared_rel_pos_bias, span, self.gamma_1))
        return x + self.drop_path2(self._mlp(self.norm2(x)))

    def _mlp(self, x: Tensor) -> Tensor:
        """timm's MLP times the layer scale."""
        x = self.mlp.norm(self.mlp.drop1(self.mlp.act(self.mlp.fc1(x))))
        return self.mlp.drop2(scaled_linear(self.mlp.fc2, x, self.gamma_2))
