"""Linear classification of tokens by embeddings that are learned with it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _EmbeddingClassifier(nn.Module):
    """A vector for each code, a weight matrix for each place: logits ``sum_p W_p e(z_p) + b``."""

    def __init__(self, codebook_size: int, length: int, num_classes: int, dim: int,
                 dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(codebook_size, dim)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(length * dim, num_classes)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        # All places begin alike, as in a bag of codes.
        start = torch.randn(num_classes, 1, dim) * 0.01
        with torch.no_grad():
            self.classify.weight.copy_(start.expand(-1, length, -1).flatten(1))

    def forward(self, ids: Tensor) -> Tensor:
        return self.classify(self.dropout(self.embedding(ids)).flatten(1))


def embedding_probe(bank_ids: np.ndarray,
                    bank_labels: np.ndarray,
                    query_ids: np.ndarray,
                    codebook_size: int,
                    dim: int = 32,
                    epochs: int = 20,
                    lr: float = 3e-3,
                    weight_decays: Sequence[float] = (0.3, 1., 3.),
                    dropout: float = 0.5,
                    batch_size: int = 256,
                    seed: int = 0) -> np.ndarray:
    """Learn a vector for each code together with a linear classifier of all places.

    Unlike a bag of codes it knows where a code stands. Weight decay and number of epochs are those
    that classify a held-out fifth of the bank best; the query set takes no part in it.

    Args:
        bank_ids: Token ids ``(N, L)``, L tokens of each image.
        bank_labels: Integers ``(N,)``.
        query_ids: Token ids ``(M, L)``.
        codebook_size: Number of codes K.
        dim: Numbers in a vector.
        epochs: Most passes over the bank.
        lr: Learning rate of AdamW.
        weight_decays: Weight decays of AdamW to choose from.
        dropout: Share of the vectors' numbers that is dropped in training.
        batch_size: Images a step.
        seed: Seed of the held-out fifth, the first weights and the order.

    Returns:
        Predicted labels ``(M,)``.

    Raises:
        ValueError: If the bank has less than two images or the query set none.
    """
    if len(bank_ids) < 2 or len(query_ids) == 0:
        raise ValueError(f'a probe needs a bank and a query set, got {len(bank_ids)} and '
                         f'{len(query_ids)} images')
    ids, labels = torch.from_numpy(bank_ids).long(), torch.from_numpy(bank_labels).long()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        # Not torch.manual_seed: it seeds GPUs as well, whose state nobody brings back.
        torch.default_generator.manual_seed(seed)
        order = torch.randperm(len(ids))
        held, kept = order[:max(1, len(ids) // 5)], order[max(1, len(ids) // 5):]
        model = _EmbeddingClassifier(codebook_size, ids.size(1), int(labels.max()) + 1, dim,
                                     dropout)
        start = deepcopy(model.state_dict())

        def passes(count: int, chosen: Tensor, weight_decay: float):
            """Train; give the model after each pass."""
            model.load_state_dict(start)
            optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
            for _ in range(count):
                model.train()
                for part in chosen[torch.randperm(len(chosen))].split(batch_size):
                    optimizer.zero_grad()
                    F.cross_entropy(model(ids[part]), labels[part]).backward()
                    optimizer.step()
                yield model.eval()

        scores = {(decay, count): (_predict(model, ids[held]) == labels[held]).double().mean()
                  for decay in weight_decays
                  for count, model in enumerate(passes(epochs, kept, decay), 1)}
        decay, count = max(scores, key=scores.get)
        for _ in passes(count, order, decay):
            pass
        return _predict(model, torch.from_numpy(query_ids).long()).numpy()


@torch.no_grad()
def _predict(model: nn.Module, ids: Tensor) -> Tensor:
    return torch.cat([model(part).argmax(1) for part in ids.split(4096)])
