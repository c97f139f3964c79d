"""Segmentations of a test as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import DumpResults

from peco.registry import METRICS


@METRICS.register_module()
class DumpSegResults(DumpResults):
    """Keep the class of each pixel alone: uint8 ``(H, W)``, uint16 where there are more than 256 or
    the data set does not tell.

    mmengine's keeps the logits, too, until the test is over: of ADE20K 390 GiB.
    """

    def process(self, data_batch: Any, predictions: Sequence[dict]) -> None:
        """Collect a batch."""
        names = (self.dataset_meta or {}).get('classes') or ()
        kind = np.uint8 if 0 < len(names) <= 256 else np.uint16
        for sample in predictions:
            classes = sample['pred_sem_seg']['data'].cpu().numpy()[0]
            self.results.append(dict(img_path=sample.get('img_path'),
                                     pred_sem_seg=classes.astype(kind)))
