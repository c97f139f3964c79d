"""k-means over vectors that lie on several ranks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from mmengine import dist

from peco.utils.codebook_stats import count_codes

from .collectives import gather_rows, shared_permutation

Search = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def distinct_rows(vectors: torch.Tensor, count: int) -> torch.Tensor | None:
    """Draw rows at random such that no two are equal.

    The draw depends on the set of vectors and the random state of rank 0 alone: not on how the
    vectors are spread over ranks.

    Args:
        vectors: This rank's vectors, ``(n, C)``.
        count: Rows to draw.

    Returns:
        ``(count, C)``, the same on every rank, or None if the ranks together hold fewer
        distinct rows.
    """
    pool = gather_rows(vectors).unique(dim=0)
    if len(pool) < count:
        return None
    return pool[shared_permutation(len(pool), pool.device)[:count]]


def kmeans(vectors: torch.Tensor, centres: torch.Tensor, num_iters: int, search: Search,
           normalize: Callable[[torch.Tensor], torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Lloyd's algorithm, synchronised: every rank ends with the same centres.

    A centre that no vector chose moves to the vector farthest from its own centre, so that no
    centre is left without members while there are enough distinct vectors.

    Args:
        vectors: This rank's vectors, ``(n, C)``.
        centres: First centres ``(K, C)``, the same on every rank, for instance of
            :func:`distinct_rows`.
        num_iters: Number of updates.
        search: Gives the nearest centre of each vector and its score, as
            :func:`~peco.models.quantizers.nearest_code.nearest_code` does.
        normalize: Applied to the new centres: identity, or L2 normalisation for spherical k-means.

    Returns:
        Centres ``(K, C)`` and the number of vectors nearest to each, ``(K,)`` int64.
    """
    for _ in range(num_iters):
        ids, scores = search(vectors, centres)
        sums = torch.zeros_like(centres).index_add_(0, ids, vectors)
        counts = count_codes(ids, len(centres))
        dist.all_reduce(sums)
        dist.all_reduce(counts)
        means = normalize(sums / counts.clamp(min=1)[:, None])
        empty = counts == 0
        centres = torch.where(empty[:, None], centres, means)
        num_empty = int(empty.sum())
        if num_empty:
            centres = _reseed(centres, empty, num_empty, vectors, scores)
    counts = count_codes(search(vectors, centres)[0], len(centres))
    dist.all_reduce(counts)
    return centres, counts


def _reseed(centres: torch.Tensor, empty: torch.Tensor, num_empty: int, vectors: torch.Tensor,
            scores: torch.Tensor) -> torch.Tensor:
    distances = scores + vectors.square().sum(1)
    farthest, index = distances.topk(min(num_empty, len(vectors)))
    # Distances travel as one more column of their vectors.
    pool = gather_rows(torch.cat([vectors[index], farthest[:, None]], dim=1))
    pool = pool[pool[:, -1].argsort(descending=True, stable=True)][:num_empty, :-1]
    slots = empty.nonzero()[:, 0][:len(pool)]
    centres = centres.clone()
    centres[slots] = pool
    return centres
