"""How much of the class a learned embedding of the tokens finds."""

import numpy as np

from peco.registry import METRICS

from ..functional import embedding_probe
from .bank_metric import BankMetric
from .sample_field import sample_token_row


@METRICS.register_module()
class TokenEmbeddingProbe(BankMetric):
    """Top-1 accuracy of linear classification from learned embeddings of the tokens.

    Beside :class:`TokenProbe` it knows where in the image a code stands. Needs ``token_ids``
    ``(h, w)``, ``gt_label`` and ``split_role`` in every sample; gives ``embedding_probe_top1`` in
    percent.

    Args:
        codebook_size: Number of codes.
        dim: Numbers in the vector of a code.
        epochs: Most passes over the bank; how many is chosen on a part of it.
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Example:
        >>> test_evaluator = dict(type='peco.TokenEmbeddingProbe', codebook_size=8192)
    """

    default_prefix = ''

    def __init__(self, codebook_size: int, dim: int = 32, epochs: int = 20, **kwargs) -> None:
        super().__init__(**kwargs)
        self.codebook_size = codebook_size
        self.dim = dim
        self.epochs = epochs

    def sample_value(self, sample: dict) -> np.ndarray:
        """The ids as a row of int32."""
        return sample_token_row(sample, self)

    def score(self, bank: np.ndarray, bank_labels: np.ndarray, query: np.ndarray,
              query_labels: np.ndarray) -> dict[str, float]:
        """Classify the query's tokens."""
        predicted = embedding_probe(bank, bank_labels, query, self.codebook_size, self.dim,
                                    self.epochs)
        return dict(embedding_probe_top1=float(np.mean(predicted == query_labels)) * 100)
