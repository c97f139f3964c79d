"""Draw a random crop as data, to be applied later to one or several views."""

import math
from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from peco.registry import TRANSFORMS

_TRIES = 10


@TRANSFORMS.register_module()
class RandomCropBox(BaseTransform):
    """Draw the crop of a random resized crop and a flip, and write them as data.

    Same distribution as torchvision's ``RandomResizedCrop.get_params``, with its fallback to a
    central crop. A ``crop_box`` or ``flip`` that is already there is kept, so that stored crops
    can be replayed. Follow it by :class:`CropAndResize`.

    **Required keys:** ``img``. **Added keys:** ``crop_box`` (``(x, y, w, h)`` in pixels),
    ``flip`` (bool), ``flip_direction``.

    Args:
        scale: Range of the crop's area relative to the image's.
        ratio: Range of the crop's width/height.
        flip_prob: Probability of a horizontal flip.

    Example:
        >>> results = dict(img=np.zeros((375, 500, 3), np.uint8))
        >>> x, y, w, h = RandomCropBox()(results)['crop_box']
    """

    def __init__(self,
                 scale: Sequence[float] = (0.08, 1.0),
                 ratio: Sequence[float] = (3 / 4, 4 / 3),
                 flip_prob: float = 0.5) -> None:
        if not 0 < scale[0] <= scale[1] <= 1:
            raise ValueError(f'scale must be 0 < low <= high <= 1, got {tuple(scale)}')
        if not 0 < ratio[0] <= ratio[1]:
            raise ValueError(f'ratio must be 0 < low <= high, got {tuple(ratio)}')
        if not 0 <= flip_prob <= 1:
            raise ValueError(f'flip_prob must be in [0, 1], got {flip_prob}')
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.flip_prob = flip_prob

    def draw_box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Draw a box ``(x, y, w, h)`` inside an image of the given size."""
        area = height * width
        log_ratio = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(_TRIES):
            target = area * np.random.uniform(*self.scale)
            aspect = math.exp(np.random.uniform(*log_ratio))
            w = round(math.sqrt(target * aspect))
            h = round(math.sqrt(target / aspect))
            if 0 < w <= width and 0 < h <= height:
                y = int(np.random.randint(0, height - h + 1))
                x = int(np.random.randint(0, width - w + 1))
                return x, y, w, h
        return self.central_box(height, width)

    def central_box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Largest centred box whose aspect ratio is allowed."""
        w, h = width, height
        if width / height < self.ratio[0]:
            h = max(1, round(width / self.ratio[0]))
        elif width / height > self.ratio[1]:
            w = max(1, round(height * self.ratio[1]))
        return (width - w) // 2, (height - h) // 2, w, h

    def transform(self, results: dict) -> dict:
        """Add ``crop_box`` and ``flip``."""
        if 'crop_box' not in results:
            results['crop_box'] = self.draw_box(*results['img'].shape[:2])
        if 'flip' not in results:
            results['flip'] = bool(np.random.random() < self.flip_prob)
        results['flip_direction'] = 'horizontal' if results['flip'] else None
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(scale={self.scale}, ratio={self.ratio}, '
                f'flip_prob={self.flip_prob})')
