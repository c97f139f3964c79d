"""How much of a codebook is in use."""

from __future__ import annotations

import torch


def count_codes(ids: torch.Tensor, codebook_size: int) -> torch.Tensor:
    """Count how often each code occurs, without waiting for the GPU as ``bincount`` does.

    Args:
        ids: Code indices of any shape, int64 in ``[0, codebook_size)``.
        codebook_size: Number of codes K.

    Returns:
        Counts ``(K,)`` int64.
    """
    ids = ids.reshape(-1)
    counts = ids.new_zeros(codebook_size)
    return counts.index_add_(0, ids, torch.ones_like(ids))


def usage_and_perplexity(counts: torch.Tensor) -> dict[str, torch.Tensor]:
    """Summarise the counts of the codes.

    Args:
        counts: How often each code was used, ``(K,)``.

    Returns:
        ``usage``, the percentage of codes used at least once, and ``perplexity``, the exponential
        of the entropy of the code distribution: K for uniform use, 1 for a single code, 0 where
        nothing was counted.
    """
    counts = counts.double()
    total = counts.sum()
    probs = counts / total.clamp(min=1)
    # entr(0) is 0, as the limit of -p log p is.
    perplexity = torch.special.entr(probs).sum().exp() * (total > 0)
    return dict(usage=(counts > 0).double().mean().float() * 100, perplexity=perplexity.float())
