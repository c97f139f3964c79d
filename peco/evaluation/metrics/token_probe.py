"""How much of the class is in the tokens of a tokenizer."""

from collections.abc import Sequence

import numpy as np

from peco.registry import METRICS

from ..functional import bag_of_codes, linear_probe
from .bank_metric import BankMetric
from .sample_field import sample_token_row


@METRICS.register_module()
class TokenProbe(BankMetric):
    """Top-1 accuracy of linear classification from a bag of codes.

    Needs ``token_ids`` ``(h, w)``, ``gt_label`` and ``split_role`` in every sample; gives
    ``token_probe_top1`` in percent.

    Args:
        codebook_size: Number of codes; defaults to the largest id plus one.
        penalties: L2 penalties to choose from, on a part of the bank. Rare codes weigh as much as
            common ones, which asks for strong ones.
        max_iter: Most iterations of a fit.
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Example:
        >>> test_evaluator = dict(type='peco.TokenProbe', codebook_size=8192)
    """

    default_prefix = ''

    def __init__(self,
                 codebook_size: int | None = None,
                 penalties: Sequence[float] = (1e-2, 1e-1, 0.3, 1., 3.),
                 max_iter: int = 200,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.codebook_size = codebook_size
        self.penalties = penalties
        self.max_iter = max_iter

    def sample_value(self, sample: dict) -> np.ndarray:
        """The ids as a row of int32."""
        return sample_token_row(sample, self)

    def score(self, bank: np.ndarray, bank_labels: np.ndarray, query: np.ndarray,
              query_labels: np.ndarray) -> dict[str, float]:
        """Classify the query's histograms."""
        size = self.codebook_size or int(max(bank.max(), query.max())) + 1
        predicted = linear_probe(
            bag_of_codes(bank, size), bank_labels, bag_of_codes(query, size), self.penalties,
            self.max_iter)
        return dict(token_probe_top1=float(np.mean(predicted == query_labels)) * 100)
