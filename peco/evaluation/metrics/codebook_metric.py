"""Usage and perplexity of a codebook over a whole split."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from peco.registry import METRICS

from ..functional import codebook_statistics
from .sample_field import sample_field


@METRICS.register_module()
class CodebookMetric(BaseMetric):
    """Share of codes in use and perplexity of their distribution, over all images of a split.

    A perplexity averaged over batches would depend on the batch size. Needs ``token_ids``
    ``(h, w)`` in every sample; gives ``codebook_usage`` in percent and ``codebook_perplexity``.

    Args:
        codebook_size: Number of codes K.
        **kwargs: Arguments of mmengine's ``BaseMetric``.
    """

    default_prefix = ''

    def __init__(self, codebook_size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.codebook_size = codebook_size

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the ids of a batch."""
        for sample in data_samples:
            self.results.append(sample_field(sample, 'token_ids', self).reshape(-1).int())

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Count over the split."""
        if not results:
            raise ValueError('CodebookMetric got no sample')
        ids = torch.cat(results)
        if ids.min() < 0 or ids.max() >= self.codebook_size:
            raise ValueError(f'token ids in [{ids.min()}, {ids.max()}] do not fit '
                             f'codebook_size={self.codebook_size}')
        usage, perplexity = codebook_statistics(
            torch.bincount(ids, minlength=self.codebook_size))
        return dict(codebook_usage=usage, codebook_perplexity=perplexity)
