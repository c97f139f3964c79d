"""How much of a codebook is in use."""


import torch
from torch import Tensor


def codebook_statistics(counts: Tensor) -> tuple[float, float]:
    """Usage and perplexity of code counts.

    Args:
        counts: How often each code occurs, ``(K,)``.

    Returns:
        The share of codes that occur at all, in percent, and exp of the entropy of their
        distribution (between 1 and K).

    Raises:
        ValueError: If no code occurs.
    """
    total = counts.sum()
    if total <= 0:
        raise ValueError('cannot take the statistics of a codebook without any code')
    usage = (counts > 0).double().mean().item() * 100
    share = counts.double() / total
    perplexity = torch.special.entr(share).sum().exp().item()
    return usage, perplexity
