"""Codebook on the unit sphere, learned by an exponential moving average."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from peco.registry import MODELS

from .ema_quantizer import EMAQuantizer
from .nearest_code import nearest_code


@MODELS.register_module()
class CosineEMAQuantizer(EMAQuantizer):
    """Nearest code by cosine similarity; vectors and codes have the norm 1.

    Vectors are L2-normalised before the search, so ``quantized`` is a unit code, the commitment
    loss compares unit vectors, and the gradient passes through the normalisation.

    Example:
        >>> import torch
        >>> from peco.models.quantizers import CosineEMAQuantizer
        >>> quantizer = CosineEMAQuantizer(codebook_size=16, code_dim=4, init='data')
        >>> round(quantizer(torch.randn(2, 4, 8, 8)).quantized.norm(dim=1).mean().item(), 3)
        1.0
    """

    def _prepare(self, rows: torch.Tensor) -> torch.Tensor:
        return F.normalize(rows, dim=-1, eps=1e-6)

    def _search(self, rows: torch.Tensor,
                codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return nearest_code(rows, codes, self.chunk_size, self.code_chunk_size,
                            squared_norms=False)
