"""Weighted k-nearest-neighbour classification."""


import torch
import torch.nn.functional as F
from torch import Tensor

# Similarities held at once, in numbers (512 MiB of float32).
_MAX_SIMILARITIES = 2**27


@torch.no_grad()
def weighted_knn(bank: Tensor,
                 bank_labels: Tensor,
                 query: Tensor,
                 k: int = 20,
                 temperature: float = 0.07,
                 num_classes: int | None = None) -> Tensor:
    """Classify by the k most similar vectors of a bank, weighted by exp(cosine / temperature).

    The protocol of Wu et al. (arXiv 1805.01978) and DINO.

    Args:
        bank: Labelled vectors ``(N, C)``.
        bank_labels: int64 ``(N,)``.
        query: Vectors to classify ``(M, C)``, on the bank's device.
        k: Number of neighbours.
        temperature: Smaller values trust the nearest more.
        num_classes: Number of classes; defaults to the largest label plus one.

    Returns:
        Predicted labels, int64 ``(M,)``.

    Raises:
        ValueError: If a set is empty, shapes differ, k is larger than the bank, or a value is
            not finite.
    """
    if len(bank) == 0 or len(query) == 0:
        raise ValueError(f'kNN needs a bank and a query set, got {len(bank)} and {len(query)} '
                         'vectors')
    if bank.shape[1] != query.shape[1]:
        raise ValueError(f'bank vectors have {bank.shape[1]} numbers, query vectors '
                         f'{query.shape[1]}')
    if not 1 <= k <= len(bank):
        raise ValueError(f'k={k} must be between 1 and the size of the bank, {len(bank)}')
    if not (bank.isfinite().all() and query.isfinite().all()):
        raise ValueError('kNN got vectors with NaN or infinite values: the network has diverged')
    if temperature <= 0:
        raise ValueError(f'temperature must be positive, got {temperature}')
    classes = int(bank_labels.max()) + 1 if num_classes is None else num_classes
    bank = F.normalize(bank.float(), dim=1)
    query = F.normalize(query.float(), dim=1)
    chunk = max(1, min(len(query), _MAX_SIMILARITIES // len(bank)))
    predictions = []
    for part in query.split(chunk):
        similarity, neighbours = (part @ bank.T).topk(k, dim=1)
        # Relative to the nearest, so that a small temperature cannot overflow.
        weights = ((similarity - similarity[:, :1]) / temperature).exp()
        votes = weights.new_zeros(len(part), classes)
        votes.scatter_add_(1, bank_labels[neighbours], weights)
        predictions.append(votes.argmax(dim=1))
    return torch.cat(predictions)
