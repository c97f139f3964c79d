"""A picture of what a detector or segmentor made of an image."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.visualization import Visualizer

from .enlarge import enlarge
from .labelling import labelling


def draw_prediction(visualizer: Visualizer, image: np.ndarray, sample: Any, path: str | Path,
                    draw_gt: bool = True, score_thr: float = 0.3, labels: bool | None = None,
                    min_size: int = 360) -> None:
    """Draw by the visualizer of mmdet or mmseg, and write a PNG file.

    Args:
        visualizer: mmdet's or mmseg's, which knows the classes.
        image: RGB uint8 ``(H, W, 3)``.
        sample: ``DetDataSample`` or ``SegDataSample`` of the image.
        path: The file.
        draw_gt: Whether the annotation stands left of the prediction.
        score_thr: Score from which boxes and masks are drawn.
        labels: Whether names and scores are written beside boxes; None where there are several
            classes. Those of one class hide more than they tell.
        min_size: Smaller images are enlarged by a whole factor till their shorter side has as
            many pixels, so that lines and labels leave something to see.
    """
    factor = math.ceil(min_size / min(image.shape[:2]))
    image, sample = enlarge(image, sample.cpu(), factor)
    options = dict(pred_score_thr=score_thr) if 'pred_instances' in sample else {}
    with labelling(visualizer, labels):
        visualizer.add_datasample(Path(path).stem, image, data_sample=sample, out_file=str(path),
                                  draw_gt=draw_gt, **options)
