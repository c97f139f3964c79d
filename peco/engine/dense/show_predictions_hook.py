"""Pictures of detections and segmentations."""

from __future__ import annotations

from pathlib import Path

import mmcv
from mmengine.dist import is_main_process
from mmengine.fileio import get
from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS


@HOOKS.register_module()
class ShowPredictionsHook(Hook):
    """Draw test images by the visualizer of mmdet or mmseg, the annotation left of the prediction.

    Used by ``tools/test.py --show-dir``. Each image becomes a PNG file of its name. Of several
    ranks the first one draws its share of the images.

    Args:
        out_dir: Folder of the pictures.
        limit: Largest number of pictures; None for all.
        score_thr: Score from which boxes and masks are drawn.

    Example:
        >>> custom_hooks = [dict(type='peco.ShowPredictionsHook', out_dir='pictures', limit=20)]
    """

    def __init__(self, out_dir: str, limit: int | None = None, score_thr: float = 0.3) -> None:
        self.out_dir = Path(out_dir)
        self.limit = limit
        self.score_thr = score_thr
        self._names: set[str] = set()

    def before_test(self, runner: Runner) -> None:
        """Forget the pictures of an earlier test."""
        self._names.clear()

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                        outputs: list | None = None) -> None:
        """Draw the images of a batch."""
        if not is_main_process():
            return
        for sample in outputs:
            if self.limit is not None and len(self._names) >= self.limit:
                return
            image = mmcv.imfrombytes(get(sample.img_path), channel_order='rgb')
            name = self._name(Path(sample.img_path).stem)
            options = dict(pred_score_thr=self.score_thr) if 'pred_instances' in sample else {}
            runner.visualizer.add_datasample(
                name, image, data_sample=sample, out_file=str(self.out_dir / f'{name}.png'),
                **options)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Say where the pictures are."""
        if self._names:
            runner.logger.info(f'Pictures: {len(self._names)} in {self.out_dir}')

    def _name(self, stem: str) -> str:
        """A name of its own for each image, though folders may hold files of one name."""
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f'{stem}-{number}'
        self._names.add(name)
        return name
