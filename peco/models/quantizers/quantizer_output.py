"""What a quantizer returns."""

from __future__ import annotations

from typing import NamedTuple

import torch


class QuantizerOutput(NamedTuple):
    """Result of quantizing a grid of vectors.

    Attributes:
        quantized: Codes in place of the vectors, ``(B, C, h, w)``, in the dtype of the input.
            Its value is that of the codes, its gradient goes straight to the input.
        ids: Index of the nearest code, ``(B, h, w)`` int64 in ``[0, K)``.
        commitment_loss: Mean squared distance from the vectors to their codes, a scalar without
            weight. Its gradient reaches the vectors only.
        stats: Scalars to log: ``usage`` (percentage of the K codes used in this step, over all
            ranks), ``perplexity`` (exponential of the entropy of their use, in ``[1, K]``) and
            ``initted`` (1 or 0). While the codebook is not initialised, the first two are 0.
    """

    quantized: torch.Tensor
    ids: torch.Tensor
    commitment_loss: torch.Tensor
    stats: dict[str, torch.Tensor]
