"""Pictures of test results."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from peco.registry import HOOKS
from peco.visualization import classification_grid, reconstruction_grid, save_picture

from .epoch_end import unwrap


@HOOKS.register_module()
class ShowResultsHook(Hook):
    """Draw the first test images with what the model made of them.

    A tokenizer shows reconstructions and token maps, a classifier its predictions; a model that
    gives neither is reported and draws nothing. Used by ``tools/test.py --show-dir``.

    Args:
        out_dir: Folder of the picture.
        num_images: Images in the picture.

    Example:
        >>> custom_hooks = [dict(type='peco.ShowResultsHook', out_dir='pictures')]
    """

    def __init__(self, out_dir: str, num_images: int = 16) -> None:
        self.out_dir = Path(out_dir)
        self.num_images = num_images
        self._images: list[torch.Tensor] = []
        self._samples: list = []

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                        outputs: list | None = None) -> None:
        """Collect images and results until there are enough."""
        room = self.num_images - len(self._samples)
        if not is_main_process() or room <= 0:
            return
        inputs = data_batch['inputs']
        if isinstance(inputs, (list, tuple)) and inputs[0].ndim == 4:
            inputs = inputs[0]
        to_rgb = getattr(unwrap(runner.model).data_preprocessor, 'to_rgb', False)
        for image, sample in list(zip(inputs, outputs, strict=True))[:room]:
            self._images.append(image.flip(0) if to_rgb else image)
            self._samples.append(sample.cpu() if hasattr(sample, 'cpu') else sample)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Draw."""
        if not self._samples:
            return
        name, samples, title = 'results', self._samples, f'{len(self._samples)} test images'
        if all('reconstruction' in sample for sample in samples):
            name = 'reconstructions'
            picture = reconstruction_grid(
                torch.stack([sample.original.float() for sample in samples]),
                torch.stack([sample.reconstruction.float() for sample in samples]),
                torch.stack([sample.token_ids for sample in samples]), title)
        elif all('pred_label' in sample for sample in samples):
            name = 'predictions'
            picture = self._draw_predictions(runner, samples, title)
        else:
            runner.logger.warning(
                f'--show-dir: results of {type(unwrap(runner.model)).__name__} hold neither '
                'reconstructions nor predicted labels, there is nothing to draw')
            return
        runner.logger.info(f'Picture: {save_picture(picture, self.out_dir / f"{name}.png")}')

    def _draw_predictions(self, runner: Runner, samples: list, title: str):
        height, width = self._images[0].shape[-2:]
        images = torch.stack([
            torch.nn.functional.interpolate(image[None].float(), (height, width))[0] / 255
            for image in self._images])
        predictions = [int(sample.pred_label) for sample in samples]
        labels = [int(sample.gt_label) if 'gt_label' in sample else None for sample in samples]
        scores = [float(sample.pred_score.max()) for sample in samples
                  if 'pred_score' in sample]
        metainfo = getattr(runner.test_dataloader.dataset, 'metainfo', {})
        return classification_grid(images, predictions, labels, metainfo.get('classes'),
                                   scores if len(scores) == len(samples) else None, title=title)
