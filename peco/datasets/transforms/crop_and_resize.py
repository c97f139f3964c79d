"""Apply a stored crop and flip, for one view or two."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmcv.image.geometric import cv2_interp_codes
from mmcv.transforms import BaseTransform
from PIL import Image

from peco.registry import TRANSFORMS

Size = int | Sequence[int]
_PILLOW_FILTERS = {
    'nearest': Image.Resampling.NEAREST,
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
    'lanczos': Image.Resampling.LANCZOS,
    'area': Image.Resampling.BOX,
}
_FILTERS = dict(
    torch=('bilinear', 'bicubic'), pillow=tuple(_PILLOW_FILTERS), cv2=tuple(cv2_interp_codes))


@TRANSFORMS.register_module()
class CropAndResize(BaseTransform):
    """Cut ``crop_box`` out of the image, resize it, and flip it if ``flip`` says so.

    With ``tokenizer_size``, the same crop is resized twice, and ``img`` becomes the list
    ``[backbone view, tokenizer view]``. The default backend filters before it shrinks, as Pillow
    does: a few per cent of its pixels differ from Pillow's by one or two levels, in a fifth of the
    time. OpenCV's bicubic and bilinear do not filter, so that strong shrinking aliases.

    **Required keys:** ``img``, ``crop_box``; optional ``flip``. **Modified keys:** ``img``,
    ``img_shape``.

    Args:
        size: Height and width of the (backbone) view; an int means a square.
        interpolation: ``'bilinear'`` or ``'bicubic'``; with ``backend='pillow'`` and ``'cv2'``
            also ``'nearest'``, ``'lanczos'`` and ``'area'``.
        tokenizer_size: Size of a second view. Where size and interpolation equal the first
            view's, a single view is written, which ``TwoViewDataPreprocessor`` uses for both.
        tokenizer_interpolation: Interpolation of the second view.
        backend: ``'torch'`` or ``'pillow'`` (antialiased) or ``'cv2'``.

    Example:
        >>> results = dict(img=np.zeros((40, 50, 3), np.uint8), crop_box=(5, 5, 30, 20))
        >>> CropAndResize(224)(results)['img'].shape
        (224, 224, 3)
    """

    def __init__(self,
                 size: Size,
                 interpolation: str = 'bicubic',
                 tokenizer_size: Size | None = None,
                 tokenizer_interpolation: str = 'bicubic',
                 backend: str = 'torch') -> None:
        if backend not in _FILTERS:
            raise ValueError(f'backend must be one of {sorted(_FILTERS)}, got {backend!r}')
        for name in (interpolation, tokenizer_interpolation):
            if name not in _FILTERS[backend]:
                raise ValueError(f'interpolation must be one of {sorted(_FILTERS[backend])} with '
                                 f'backend={backend!r}, got {name!r}')
        self.backend = backend
        self.views = [(_pair(size), interpolation)]
        if tokenizer_size is not None:
            second = (_pair(tokenizer_size), tokenizer_interpolation)
            if second != self.views[0]:
                self.views.append(second)

    def _resize(self, crop: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
        if crop.shape[:2] == size:
            return crop.copy()
        height, width = size
        if self.backend == 'cv2':
            return cv2.resize(crop, (width, height),
                              interpolation=cv2_interp_codes[interpolation])
        if self.backend == 'torch':
            planes = torch.from_numpy(crop).permute(2, 0, 1)[None]
            planes = F.interpolate(planes, size, mode=interpolation, antialias=True)[0]
            return cv2.merge(list(planes.numpy()))
        image = Image.fromarray(np.ascontiguousarray(crop))
        # A copy, because Pillow's own memory is read-only.
        return np.array(image.resize((width, height), _PILLOW_FILTERS[interpolation]))

    def transform(self, results: dict) -> dict:
        """Replace ``img`` by the view or views."""
        if 'crop_box' not in results:
            raise KeyError("CropAndResize needs results['crop_box']: put RandomCropBox or "
                           'CenterCropBox before it')
        image = results['img']
        x, y, w, h = results['crop_box']
        height, width = image.shape[:2]
        if not (w > 0 and h > 0 and 0 <= x <= width - w and 0 <= y <= height - h):
            raise ValueError(f'crop_box (x, y, w, h) = {(x, y, w, h)} does not lie inside the '
                             f'{width}x{height} image {results.get("img_path", "")}')
        crop = image[y:y + h, x:x + w]
        views = [self._resize(crop, *view) for view in self.views]
        if results.get('flip', False):
            views = [cv2.flip(view, 1) for view in views]
        results['img'] = views if len(views) > 1 else views[0]
        results['img_shape'] = self.views[0][0]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(views={self.views}, backend={self.backend!r})'


def _pair(size: Size) -> tuple[int, int]:
    """Normalise a size to ``(height, width)``."""
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(f'size must be a positive int or (height, width), got {size}')
    return pair
