"""A picture of what is known of an image."""

from __future__ import annotations

import math
import warnings
from typing import Any

import cv2
import numpy as np
from mmengine.visualization import Visualizer

from .enlarge import enlarge
from .labelling import labelling


def draw_annotation(visualizer: Visualizer, image: np.ndarray, sample: Any,
                    size: tuple[int, int] | None = None, labels: bool | None = None,
                    min_size: int = 360) -> np.ndarray:
    """Draw boxes, masks or classes of pixels by the visualizer of mmdet or mmseg.

    Args:
        visualizer: mmdet's or mmseg's, which knows the classes.
        image: RGB uint8 ``(H, W, 3)``.
        sample: ``DetDataSample`` or ``SegDataSample`` of the image, as a data set packs it.
        size: Height and width that the annotation is of, if the image was resized without it.
        labels: As in :func:`draw_prediction`.
        min_size: As in :func:`draw_prediction`.

    Returns:
        uint8 RGB picture of the image, enlarged by a whole factor.

    Example:
        >>> picture = draw_annotation(visualizer, image, sample)  # doctest: +SKIP
    """
    if size is not None and tuple(size) != image.shape[:2]:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    if 'gt_instances' in sample and hasattr(sample.gt_instances.bboxes, 'tensor'):
        sample = sample.clone()
        instances = sample.gt_instances.clone()
        instances.bboxes = instances.bboxes.tensor
        sample.gt_instances = instances
    image, sample = enlarge(image, sample, math.ceil(min_size / min(image.shape[:2])))
    with labelling(visualizer, labels), warnings.catch_warnings():
        # Objects at the border, as a crop leaves them.
        warnings.filterwarnings('ignore', message='.* is out of bounds')
        visualizer.add_datasample('annotation', image, data_sample=sample, draw_gt=True,
                                  draw_pred=False)
    return visualizer.get_image()
