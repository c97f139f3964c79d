"""FLOPs and parameters of a model."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from mmengine.analysis import FlopAnalyzer, parameter_count
from mmengine.analysis.jit_handles import get_shape
from mmengine.analysis.print_helper import complexity_stats_table
from torch import nn


def _attention_flops(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Multiply-adds of fused attention, which mmengine does not count: QK^T and its use."""
    query, key, value = (get_shape(one) for one in inputs[:3])
    pairs = prod(query[:-1]) * key[-2]
    return pairs * (query[-1] + value[-1])


def count_complexity(model: nn.Module, inputs: tuple[torch.Tensor, ...],
                     max_depth: int = 2) -> dict[str, Any]:
    """Count what one forward pass of a model costs.

    Args:
        model: The model, called as ``model(*inputs)``.
        inputs: Tensors of a batch of one.
        max_depth: Depth of modules in the table.

    Returns:
        ``flops`` (multiply-adds, as is the custom for networks), ``params``, and ``table``, the
        costs of the modules as text.

    Example:
        >>> count_complexity(nn.Linear(4, 2), (torch.zeros(1, 4), ))['flops']
        8
    """
    with torch.no_grad():
        analyzer = FlopAnalyzer(model.eval(), inputs)
        analyzer.set_op_handle(**{'aten::scaled_dot_product_attention': _attention_flops})
        analyzer.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analyzer.tracer_warnings('none')
        return dict(flops=int(analyzer.total()), params=parameter_count(model)[''],
                    table=complexity_stats_table(analyzer, max_depth, show_param_shapes=False))
