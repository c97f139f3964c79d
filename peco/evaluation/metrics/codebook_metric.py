"""Usage and perplexity of a codebook over a whole split."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from peco.registry import METRICS
from peco.utils.codebook_stats import count_codes, usage_and_perplexity

from .sample_field import LEFT_OUT, plays_role, sample_field


@METRICS.register_module()
class CodebookMetric(BaseMetric):
    """Share of codes in use and perplexity of their distribution, over all images of a split.

    A perplexity averaged over batches would depend on the batch size. Needs ``token_ids``
    ``(h, w)`` in every sample; gives ``codebook_usage`` in percent, ``codebook_perplexity`` and
    its logarithm, ``codebook_entropy`` in nats.

    Args:
        codebook_size: Number of codes K.
        split_role: Look only at samples of this ``split_role``.
        **kwargs: Arguments of mmengine's ``BaseMetric``.

    Example:
        >>> metric = CodebookMetric(codebook_size=8)
        >>> metric.process({}, [dict(token_ids=torch.tensor([[0, 1], [2, 3]]))])
        >>> metric.evaluate(size=1)['codebook_usage']
        50.0
    """

    default_prefix = ''

    def __init__(self, codebook_size: int, split_role: str | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.codebook_size = codebook_size
        self.split_role = split_role

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the ids of a batch."""
        for sample in data_samples:
            self.results.append(
                sample_field(sample, 'token_ids', self).reshape(-1).int()
                if plays_role(sample, self.split_role, self) else LEFT_OUT)

    def compute_metrics(self, results: list[Tensor | tuple]) -> dict[str, float]:
        """Count over the split."""
        results = [ids for ids in results if len(ids)]
        if not results:
            raise ValueError('CodebookMetric got no sample')
        ids = torch.cat(results)
        if ids.min() < 0 or ids.max() >= self.codebook_size:
            raise ValueError(f'token ids in [{ids.min()}, {ids.max()}] do not fit '
                             f'codebook_size={self.codebook_size}')
        stats = usage_and_perplexity(count_codes(ids.long(), self.codebook_size))
        perplexity = stats['perplexity'].item()
        return dict(
            codebook_usage=stats['usage'].item(),
            codebook_perplexity=perplexity,
            codebook_entropy=math.log(perplexity))
