"""Detect and segment one image, and draw the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import VISUALIZERS, init_default_scope
from torch import nn

from peco.engine.dense.class_count import class_count, last_head
from peco.engine.dense.draw_prediction import draw_prediction
from peco.utils.whole_file import whole_file

from .inference import image_array


@torch.no_grad()
def predict_dense(model: nn.Module, image: str | Path | np.ndarray) -> Any:
    """Detect the objects or segment the pixels of one image, as a test of the config does.

    Args:
        model: A detector of mmdet or a segmentor of mmseg from :func:`init_model`.
        image: A file, or an RGB array uint8 ``(H, W, 3)``.

    Returns:
        mmdet's ``DetDataSample`` with ``pred_instances``, or mmseg's ``SegDataSample`` with
        ``pred_sem_seg``, in pixels of the image.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is no image, or the array is not as above.

    Example:
        >>> from peco.apis import init_model, predict_dense
        >>> model = init_model(CONFIG, CHECKPOINT)  # doctest: +SKIP
        >>> predict_dense(model, 'street.jpg').pred_instances.bboxes  # doctest: +SKIP
    """
    init_default_scope(model.cfg.default_scope)
    pixels = image_array(image)
    # As loading leaves it; what is annotated does not exist.
    results = dict(img=np.ascontiguousarray(pixels[..., ::-1]), img_id=0, img_path=str(image)
                   if isinstance(image, (str, Path)) else None, img_shape=pixels.shape[:2],
                   ori_shape=pixels.shape[:2], instances=[])
    dataset = model.cfg.test_dataloader.dataset
    while 'pipeline' not in dataset:
        dataset = dataset.dataset
    steps = [step for step in dataset.pipeline
             if not str(step['type']).split('.')[-1].startswith('Load')]
    packed = Compose(steps)(results)
    return model.test_step(dict(inputs=[packed['inputs']],
                                data_samples=[packed['data_samples']]))[0]


def draw_dense(model: nn.Module, image: str | Path | np.ndarray, sample: Any,
               out: str | Path, score_thr: float = 0.3) -> Path:
    """Draw a prediction over its image.

    Args:
        model: The model that made it.
        image: As in :func:`predict_dense`.
        sample: What :func:`predict_dense` has returned.
        out: The picture to write (.png); small images are enlarged.
        score_thr: Score from which boxes and masks are drawn.

    Returns:
        ``out``.
    """
    visualizer = VISUALIZERS.build(dict(model.cfg.visualizer, vis_backends=None))
    visualizer.dataset_meta = class_meta(model)
    with whole_file(out) as unfinished:
        draw_prediction(visualizer, image_array(image), sample, unfinished, draw_gt=False,
                        score_thr=score_thr)
    return Path(out)


def class_meta(model: nn.Module) -> dict[str, list]:
    """Names and colours of the classes: of the checkpoint, else numbers and colours of our own."""
    from matplotlib import colormaps

    meta = model.dataset_meta
    classes = list(meta.get('classes') or map(str, range(_num_classes(model))))
    palette = meta.get('palette')
    # mmdet's words for colours of its own are no colours for mmseg.
    if not isinstance(palette, (list, tuple)) or len(palette) < len(classes):
        palette = [tuple(int(255 * part) for part in colormaps['tab20'](index % 20)[:3])
                   for index in range(len(classes))]
    return dict(classes=classes, palette=list(palette))


def _num_classes(model: nn.Module) -> int:
    head = getattr(model, 'decode_head', None) or getattr(model, 'bbox_head', None) or (
        model.roi_head.bbox_head)
    return class_count(last_head(head))
