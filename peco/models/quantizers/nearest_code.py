"""Nearest code of each vector in bounded memory."""

from __future__ import annotations

import torch


@torch.no_grad()
def nearest_code(vectors: torch.Tensor,
                 codes: torch.Tensor,
                 chunk_size: int = 2048,
                 code_chunk_size: int = 8192,
                 squared_norms: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the code at the least Euclidean distance, block by block.

    One matrix product a block gives ``|e|^2 - 2 z.e``, which orders the codes as the distance
    does; no more than ``chunk_size * code_chunk_size`` values exist at a time, in one tensor that
    all blocks use in turn: on a CPU fresh memory costs a third of the product. No gradients.

    Args:
        vectors: ``(N, C)``, floating point.
        codes: ``(K, C)``, same dtype.
        chunk_size: Vectors in a block.
        code_chunk_size: Codes in a block.
        squared_norms: False for codes of equal norm: leaves ``|e|^2`` out, so that the order is
            exactly that of the inner product.

    Returns:
        Indices ``(N,)`` int64 (the lowest of equally near codes) and their scores ``(N,)``:
        add ``|z|^2`` for the squared distance.
    """
    offsets = codes.square().sum(1) if squared_norms else codes.new_zeros(len(codes))
    buffer = vectors.new_empty(
        min(chunk_size, len(vectors)) * min(code_chunk_size, len(codes)))
    found = [_search(block, codes, offsets, code_chunk_size, buffer)
             for block in vectors.split(chunk_size)]
    if not found:
        return vectors.new_zeros(0, dtype=torch.long), vectors.new_zeros(0)
    ids, scores = zip(*found, strict=True)
    return torch.cat(ids), torch.cat(scores)


def _search(vectors: torch.Tensor, codes: torch.Tensor, offsets: torch.Tensor,
            code_chunk_size: int, buffer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    best_score, best_id = None, None
    for start in range(0, len(codes), code_chunk_size):
        part = codes[start:start + code_chunk_size]
        scores = buffer[:len(vectors) * len(part)].view(len(vectors), len(part))
        torch.addmm(offsets[None, start:start + len(part)], vectors, part.t(), alpha=-2,
                    out=scores)
        score, index = scores.min(dim=1)
        index = index + start
        if best_score is None:
            best_score, best_id = score, index
        else:
            closer = score < best_score
            best_score = torch.where(closer, score, best_score)
            best_id = torch.where(closer, index, best_id)
    return best_id, best_score
