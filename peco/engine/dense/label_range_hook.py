"""Labels of pixels that no class has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS

from ..hooks.epoch_end import unwrap
from .class_count import class_count, last_head

_LEFT_OUT = 255


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
        self._check(runner, data_batch, ())

    def before_val_iter(self, runner: Runner, batch_idx: int,
                        data_batch: dict | None = None) -> None:
        """Check the labels of a batch; 255 is what ``IoUMetric`` leaves out."""
        self._check(runner, data_batch, (_LEFT_OUT, ))

    before_test_iter = before_val_iter

    @staticmethod
    def _check(runner: Runner, data_batch: dict | None, left_out: Sequence[int]) -> None:
        head = last_head(getattr(unwrap(runner.model), 'decode_head', None))
        if head is None or not isinstance(data_batch, dict):
            return
        count = class_count(head)
        ignored = sorted({head.ignore_index, *left_out})
        for sample in _samples(data_batch.get('data_samples')):
            labels = sample.get('gt_sem_seg')
            if labels is None:
                continue
            found = labels.data[~torch.isin(labels.data, torch.tensor(ignored))]
            if found.numel() and not 0 <= found.min() <= found.max() < count:
                wrong = found.max() if found.max() >= count else found.min()
                raise ValueError(
                    f"'{sample.get('seg_map_path')}' has pixels of class {int(wrong)}, the {count} "
                    f'classes are 0 to {count - 1} and what does not count is '
                    f'{" or ".join(map(str, ignored))}: change the maps, or set num_classes of the '
                    'heads and metainfo.classes (where 0 means none: reduce_zero_label=True)')


def _samples(node: Any) -> Iterator[Any]:
    """The samples of a batch, also where each image has several views."""
    if isinstance(node, Sequence):
        for child in node:
            yield from _samples(child)
    elif node is not None:
        yield node
