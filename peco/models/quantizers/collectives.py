"""Collective operations on rows; on one rank they return what they were given."""

from __future__ import annotations

import torch
from mmengine import dist


def gather_rows(rows: torch.Tensor) -> torch.Tensor:
    """Concatenate the rows of all ranks in the order of the ranks.

    Args:
        rows: ``(n, C)``; n may differ from rank to rank.

    Returns:
        ``(sum of n, C)``, the same on every rank.
    """
    if dist.get_world_size() == 1:
        return rows
    sizes = torch.cat(dist.all_gather(torch.tensor([len(rows)], device=rows.device))).tolist()
    padded = rows.new_zeros(max(sizes), rows.shape[1])
    padded[:len(rows)] = rows
    parts = zip(dist.all_gather(padded), sizes, strict=True)
    return torch.cat([part[:size] for part, size in parts])


def shared_permutation(size: int, device: torch.device) -> torch.Tensor:
    """Draw a permutation on rank 0 and give it to every rank.

    Only rank 0 consumes random numbers, as a run on one rank does.

    Args:
        size: Number of elements.
        device: Where the result lives.

    Returns:
        ``(size,)`` int64.
    """
    order = torch.randperm(size) if dist.get_rank() == 0 else torch.empty(size, dtype=torch.long)
    order = order.to(device)
    dist.broadcast(order)
    return order
