"""A pipeline in two parts: the view that a seed determines, and what is drawn anew."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmpretrain.datasets.transforms import BEiTMaskGenerator, SimMIMMaskGenerator
from mmpretrain.datasets.transforms import PackInputs as _PackInputs

from peco.token_cache import TokenCache, image_checksum, seeded

from .transforms import BlockwiseMask

_AFTER_THE_VIEW = (BlockwiseMask, BEiTMaskGenerator, SimMIMMaskGenerator, _PackInputs)


class ViewPipeline:
    """Crops and colours of an image, repeatable by (seed, image, view).

    The view is everything before the first mask or ``PackInputs``; it must write ``crop_box``
    (:class:`peco.datasets.transforms.RandomCropBox`). Transforms draw from the global generators
    of numpy, Python or torch, as mmcv's, mmpretrain's and torchvision's do.

    Args:
        pipeline: The whole pipeline.

    Raises:
        ValueError: If nothing of the pipeline makes a view, or it does not begin with a
            transform that loads the image.
    """

    def __init__(self, pipeline: Compose) -> None:
        transforms = list(pipeline.transforms)
        cut = next((index for index, transform in enumerate(transforms)
                    if isinstance(transform, _AFTER_THE_VIEW)), len(transforms))
        if cut < 2:
            raise ValueError('a token cache needs a pipeline that loads an image and crops it '
                             f'before the mask, got {[type(t).__name__ for t in transforms]}')
        self._load, *self._view = transforms[:cut]
        self._rest = transforms[cut:]
        if nameless := [text for text in self.describe() if ' at 0x' in text]:
            raise ValueError(f'a token cache needs transforms that tell their arguments by '
                             f'__repr__, got {nameless}')

    def describe(self) -> list[str]:
        """The transforms of the view, as text."""
        return [repr(transform) for transform in (self._load, *self._view)]

    def views(self, info: dict, views: int, seed: int) -> tuple[list[dict], int] | None:
        """All views of an image, which is read once, and its checksum; None if unreadable."""
        loaded = self._load(dict(info))
        if loaded is None:
            return None
        drawn = [self._draw(dict(loaded, img=loaded['img'].copy()), view, seed)
                 for view in range(views)]
        return drawn, image_checksum(loaded['img'])

    def replay(self, info: dict, cache: TokenCache) -> dict | None:
        """One of the cached views, chosen at random, with its ids, and the rest of the pipeline.

        None if the image cannot be read now, or could not when the cache was written.

        Adds ``token_ids``, int64 of shape ``(h, w)``, to the data sample.

        Raises:
            ValueError: If the crop is not the one that was tokenized.
        """
        image, view = info['sample_idx'], int(np.random.randint(cache.views))
        checksum, results = cache.checksum(image), self._load(dict(info))
        if results is None or checksum is None:
            return None
        if image_checksum(results['img']) != checksum:
            raise ValueError(f"the token cache '{cache.folder}' is stale: {info['img_path']} is "
                             'not the image that was tokenized. Make another cache')
        results = self._draw(results, view, cache.meta['seed'])
        if crop_of(results) != cache.box(image, view):
            raise ValueError(
                f"the token cache '{cache.folder}' is stale: view {view} of {info['img_path']} is "
                f'the crop {crop_of(results)} (x, y, w, h, flip), tokenized was '
                f'{cache.box(image, view)}. Make another cache')
        results = _run(self._rest, results)
        # Not left to the packer, which keeps known keys only.
        # A tensor, which goes to the GPU with the sample; for an array the model would wait.
        results['data_samples'].set_field(torch.from_numpy(cache.ids(image, view)), 'token_ids')
        return results

    def _draw(self, loaded: dict, view: int, seed: int) -> dict:
        with seeded(seed, loaded['sample_idx'], view):
            results = _run(self._view, loaded)
        if results is None or 'crop_box' not in results:
            raise ValueError('a token cache needs crops as data: put peco.RandomCropBox and '
                             'peco.CropAndResize into the pipeline')
        if 'mask' in results:
            raise ValueError('a token cache would freeze a mask that is drawn before '
                             'peco.BlockwiseMask: take this one')
        return results


def crop_of(results: dict) -> tuple[int, int, int, int, bool]:
    """Crop box in pixels and flip of a view: ``(x, y, w, h, flip)``."""
    return (*map(int, results['crop_box']), bool(results.get('flip', False)))


def _run(transforms: list[BaseTransform], results: dict | None) -> dict | None:
    for transform in transforms:
        if results is None:
            return None
        results = transform(results)
    return results
