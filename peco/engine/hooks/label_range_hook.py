"""Labels of pixels that no class has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS

from .epoch_end import unwrap

_IGNORED = 255


@HOOKS.register_module()
class LabelRangeHook(Hook):
    """Refuse maps of classes that a segmentor cannot have.

    mmseg's ``IoUMetric`` leaves such pixels out, so that a test would score the others alone; in
    training a GPU stops without naming the image.

    Raises:
        ValueError: With the file, the label and the mend.
    """

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: dict | None = None) -> None:
        """Check the labels of a batch."""
        head = getattr(unwrap(runner.model), 'decode_head', None)
        head = head[-1] if isinstance(head, (list, torch.nn.ModuleList)) else head
        if head is None or not isinstance(data_batch, dict):
            return
        for sample in _samples(data_batch.get('data_samples')):
            labels = sample.get('gt_sem_seg')
            if labels is None:
                continue
            found = labels.data[(labels.data != head.ignore_index) & (labels.data != _IGNORED)]
            if found.numel() and not 0 <= found.min() <= found.max() < head.num_classes:
                wrong = found.max() if found.max() >= head.num_classes else found.min()
                raise ValueError(
                    f"'{sample.get('seg_map_path')}' has pixels of class {int(wrong)}, the "
                    f'{head.num_classes} classes are 0 to {head.num_classes - 1} and what does not '
                    f'count is {_IGNORED}: change the maps, or set num_classes of the heads and '
                    'metainfo.classes (where 0 means none: reduce_zero_label=True)')

    before_val_iter = before_train_iter
    before_test_iter = before_train_iter


def _samples(node: Any) -> Iterator[Any]:
    """The samples of a batch, also where each image has several views."""
    if isinstance(node, Sequence):
        for child in node:
            yield from _samples(child)
    elif node is not None:
        yield node
