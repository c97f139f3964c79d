"""Pictures of detections and segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from mmengine.dist import is_main_process
from mmengine.fileio import get
from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS
from peco.visualization import image_grid, save_picture

from .draw_prediction import draw_prediction

_OVERVIEW = 'overview'
_COLUMNS, _ROWS = 3, 4


@HOOKS.register_module()
class ShowPredictionsHook(Hook):
    """Draw images of a test or validation by the visualizer of mmdet or mmseg.

    Each image becomes a PNG file of its name, the annotation left of the prediction, and the first
    ones stand together in ``overview.png``. ``tools/test.py --show-dir`` uses it. Of several ranks
    the first one draws its share of the images.

    Args:
        out_dir: Folder of the pictures; None for ``pictures`` in the work dir.
        limit: Largest number of pictures; None for all.
        score_thr: See :func:`draw_prediction`.
        labels: See there.
        min_size: See there.

    Example:
        >>> custom_hooks = [dict(type='peco.ShowPredictionsHook', limit=20)]
    """

    def __init__(self, out_dir: str | None = None, limit: int | None = None,
                 score_thr: float = 0.3, labels: bool | None = None,
                 min_size: int = 360) -> None:
        self.out_dir = out_dir
        self.limit = limit
        self.score_thr = score_thr
        self.labels = labels
        self.min_size = min_size
        self._names: set[str] = set()
        self._first: list[np.ndarray] = []

    def before_test_epoch(self, runner: Runner) -> None:
        """Forget the pictures of an earlier test."""
        self._names = {_OVERVIEW}
        self._first.clear()

    before_val_epoch = before_test_epoch

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                        outputs: Sequence[Any] | None = None) -> None:
        """Draw the images of a batch."""
        if not is_main_process():
            return
        for sample in outputs:
            if self.limit is not None and len(self._names) > self.limit:
                return
            self._draw(runner, sample)

    after_val_iter = after_test_iter

    def _draw(self, runner: Runner, sample: Any) -> None:
        image = mmcv.imfrombytes(get(sample.img_path), channel_order='rgb')
        path = self._folder(runner) / f'{self._name(Path(sample.img_path).stem)}.png'
        draw_prediction(runner.visualizer, image, sample, path, score_thr=self.score_thr,
                        labels=self.labels, min_size=self.min_size)
        if len(self._first) < _COLUMNS * _ROWS:
            # mmseg's visualizer keeps only the last half of what it has written.
            drawn = mmcv.imread(str(path), channel_order='rgb')
            self._first.append(_divided(drawn, image.shape[1] / image.shape[0]))

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Draw the overview, and say where the pictures are."""
        count = len(self._names) - 1
        if not count:
            return
        columns = min(_COLUMNS, count)
        rows = [self._first[start:start + columns]
                for start in range(0, len(self._first) - columns + 1, columns)]
        folder = self._folder(runner)
        save_picture(image_grid(rows, [''] * len(rows), cell=480), folder / f'{_OVERVIEW}.png')
        runner.logger.info(f'Pictures: {count} in {folder}, the first ones in {_OVERVIEW}.png')

    after_val_epoch = after_test_epoch

    def _folder(self, runner: Runner) -> Path:
        return Path(self.out_dir or Path(runner.work_dir) / 'pictures')

    def _name(self, stem: str) -> str:
        """A name of its own for each image, though folders may hold files of one name."""
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f'{stem}-{number}'
        self._names.add(name)
        return name


def _divided(picture: np.ndarray, aspect: float) -> np.ndarray:
    """A white line between the annotation and the prediction, if there is one of either."""
    height, width = picture.shape[:2]
    if width == round(2 * aspect * height):
        middle, half = width // 2, max(1, width // 200)
        picture[:, middle - half:middle + half] = 255
    return picture
