"""A pipeline in two parts: the view that a seed determines, and what is drawn anew."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmpretrain.datasets.transforms import BEiTMaskGenerator, SimMIMMaskGenerator
from mmpretrain.datasets.transforms import PackInputs as _PackInputs

from peco.token_cache import TokenCache, seeded

from .transforms import BlockwiseMask

_AFTER_THE_VIEW = (BlockwiseMask, BEiTMaskGenerator, SimMIMMaskGenerator, _PackInputs)


class ViewPipeline:
    """Crops and colours of an image, repeatable by (seed, image, view).

    The view is everything before the first mask or ``PackInputs``; it must write ``crop_box``
    (:class:`peco.datasets.transforms.RandomCropBox`). Transforms draw from the global generators
    of numpy and Python, as mmcv's and mmpretrain's do.

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

    def describe(self) -> list[str]:
        """The transforms of the view, as text."""
        return [repr(transform) for transform in (self._load, *self._view)]

    def views(self, info: dict, image: int, views: int, seed: int) -> list[dict] | None:
        """All views of an image, which is read once; None if it cannot be read."""
        loaded = self._load(dict(info))
        if loaded is None:
            return None
        return [self._draw(dict(loaded, img=loaded['img'].copy()), image, view, seed)
                for view in range(views)]

    def replay(self, info: dict, image: int, cache: TokenCache) -> dict | None:
        """One of the cached views, chosen at random, with its ids, and the rest of the pipeline.

        Adds ``token_ids``, int64 of shape ``(h, w)``, to the data sample.

        Raises:
            ValueError: If the crop is not the one that was tokenized.
        """
        view = int(np.random.randint(cache.views))
        results = self._load(dict(info))
        if results is None:
            return None
        results = self._draw(results, image, view, cache.meta['seed'])
        if crop_of(results) != cache.box(image, view):
            raise ValueError(
                f"the token cache '{cache.folder}' is stale: view {view} of {info['img_path']} is "
                f'the crop {crop_of(results)} (x, y, w, h, flip), tokenized was '
                f'{cache.box(image, view)}. Has the image changed? Make another cache')
        results = _run(self._rest, results)
        # Not left to the packer, which keeps known keys only.
        results['data_samples'].set_field(cache.ids(image, view), 'token_ids')
        return results

    def _draw(self, loaded: dict, image: int, view: int, seed: int) -> dict:
        with seeded(seed, image, view):
            results = _run(self._view, loaded)
        if results is None or 'crop_box' not in results:
            raise ValueError('a token cache needs crops as data: put peco.RandomCropBox and '
                             'peco.CropAndResize into the pipeline')
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
