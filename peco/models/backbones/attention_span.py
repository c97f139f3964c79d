"""Which tokens a block's attention joins."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor


class AttentionSpan(ABC):
    """Attention over a grid of patches, the class token, if any, first."""

    @abstractmethod
    def bias(self, table: Tensor, src_grid: tuple[int, int]) -> Tensor:
        """Prepare a bias table for :meth:`__call__`.

        Args:
            table: Table of shape ``(rows, num_heads)``.
            src_grid: Grid that the table is made for.

        Returns:
            What :meth:`__call__` takes as ``bias``.
        """

    @abstractmethod
    def __call__(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None,
                 dropout_p: float = 0.) -> Tensor:
        """Attend.

        Args:
            q: Queries of shape ``(B, num_heads, N, d)``.
            k: Keys, likewise.
            v: Values, likewise.
            bias: What :meth:`bias` made, or None.
            dropout_p: Dropout of attention weights.

        Returns:
            Shape ``(B, num_heads, N, d)``.
        """
