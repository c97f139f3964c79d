"""Names and scores beside boxes, or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.visualization import Visualizer


@contextmanager
def labelling(visualizer: Visualizer, labels: bool | None) -> Iterator[None]:
    """Let a visualizer of mmdet or mmseg write names within, or nothing.

    Args:
        visualizer: It knows the classes; mmdet's has no switch for its texts.
        labels: None writes where there are several classes: names of one hide more than they tell.
    """
    classes = visualizer.dataset_meta.get('classes') or ()
    if labels or (labels is None and len(classes) != 1):
        yield
        return
    visualizer.draw_texts = lambda *args, **kwargs: visualizer
    try:
        yield
    finally:
        del visualizer.draw_texts
