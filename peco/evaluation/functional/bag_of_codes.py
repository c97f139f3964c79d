"""Histograms of token ids."""

import numpy as np
from scipy import sparse


def bag_of_codes(token_ids: np.ndarray, codebook_size: int) -> sparse.csr_matrix:
    """Share of each code among the tokens of each image.

    Args:
        token_ids: Integers ``(N, L)``, L tokens of each image.
        codebook_size: Number of codes K.

    Returns:
        Sparse float32 ``(N, K)``, rows sum to one.

    Raises:
        ValueError: If an id does not lie in ``[0, K)``.
    """
    number, length = token_ids.shape
    if number and length and not 0 <= token_ids.min() <= token_ids.max() < codebook_size:
        raise ValueError(f'token ids in [{token_ids.min()}, {token_ids.max()}] do not fit a '
                         f'codebook of {codebook_size}')
    values = np.full(token_ids.size, 1 / max(length, 1), dtype=np.float32)
    starts = np.arange(0, token_ids.size + 1, length)
    # A copy: the sum sorts the ids where they lie.
    histogram = sparse.csr_matrix((values, token_ids.flatten(), starts),
                                  shape=(number, codebook_size))
    histogram.sum_duplicates()
    return histogram
