"""Colour jitter whose hue shift works with NumPy 2."""

import cv2
import mmcv
import numpy as np
from mmpretrain.datasets.transforms import ColorJitter as _ColorJitter

from peco.registry import TRANSFORMS


def shift_hue(img: np.ndarray, factor: float) -> np.ndarray:
    """Turn the hue circle of an image.

    Args:
        img: ``(H, W, 3)`` uint8, BGR.
        factor: Share of a full turn, in [-0.5, 0.5].

    Returns:
        Image of the same shape and type.
    """
    hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV_FULL)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + round(factor * 256)) % 256
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)


@TRANSFORMS.register_module()
class ColorJitter(_ColorJitter):
    """mmpretrain's ``ColorJitter`` with one draw for all views and a hue shift for NumPy 2.

    The library's own hue shift raises ``OverflowError`` there.

    Args:
        backend: Of brightness, contrast and saturation; ``'cv2'`` is the faster.
        **kwargs: As mmpretrain's: ``brightness``, ``contrast``, ``saturation``, ``hue``.

    Example:
        >>> jitter = ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4)
        >>> views = jitter(dict(img=[np.full((8, 8, 3), 9, np.uint8)] * 2))['img']
    """

    def __init__(self, *, backend: str = 'cv2', **kwargs) -> None:
        super().__init__(backend=backend, **kwargs)

    def transform(self, results: dict) -> dict:
        """Jitter ``results['img']``, ``(H, W, 3)`` uint8 BGR (or each image of a list alike)."""
        order, brightness, contrast, saturation, hue = self._rand_params()
        changes = ((mmcv.adjust_brightness, brightness), (mmcv.adjust_contrast, contrast),
                   (mmcv.adjust_color, saturation))

        def jitter(img: np.ndarray) -> np.ndarray:
            for index in order:
                if index == 3:
                    img = img if hue is None else shift_hue(img, hue)
                elif changes[index][1] is not None:
                    adjust, amount = changes[index]
                    img = adjust(img, amount, backend=self.backend)
            return img

        img = results['img']
        results['img'] = [jitter(i) for i in img] if isinstance(img, list) else jitter(img)
        return results
