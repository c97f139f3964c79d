"""Colour jitter whose hue shift works with NumPy 2."""

from collections.abc import Sequence

import cv2
import numpy as np
from mmpretrain.datasets.transforms import ColorJitter as _ColorJitter

from peco.registry import TRANSFORMS

_GRAY_OF_BGR = np.array([0.114, 0.587, 0.299])


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


def adjust_brightness(img: np.ndarray, factor: float) -> np.ndarray:
    """What ``mmcv.adjust_brightness`` gives, within a level, by a table of the 256 levels."""
    return cv2.LUT(img, _levels(factor, 0.))


def adjust_contrast(img: np.ndarray, factor: float) -> np.ndarray:
    """What ``mmcv.adjust_contrast`` gives, within a level, by a table of the 256 levels."""
    mean = round(cv2.mean(cv2.cvtColor(img, cv2.COLOR_BGR2GRAY))[0])
    return cv2.LUT(img, _levels(factor, mean * (1 - factor)))


def _levels(scale: float, offset: float) -> np.ndarray:
    levels = (np.arange(256) * scale + offset).astype(np.float32)
    return np.clip(levels, 0, 255).astype(np.uint8)


def adjust_saturation(img: np.ndarray, factor: float) -> np.ndarray:
    """What ``mmcv.adjust_color`` gives, within a level, by one matrix over the channels."""
    return cv2.transform(img, factor * np.eye(3) + (1 - factor) * _GRAY_OF_BGR)


@TRANSFORMS.register_module()
class ColorJitter(_ColorJitter):
    """mmpretrain's ``ColorJitter`` with one draw for all views and a hue shift for NumPy 2.

    The library's own hue shift raises ``OverflowError`` there. Brightness and contrast go by
    tables of levels, saturation by a matrix: several times as fast.

    Args:
        brightness: Factors lie in ``1 - brightness`` to ``1 + brightness``; or their range.
        contrast: Likewise.
        saturation: Likewise.
        hue: Turns lie in ``-hue`` to ``hue``; or their range.

    Example:
        >>> jitter = ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4)
        >>> views = jitter(dict(img=[np.full((8, 8, 3), 9, np.uint8)] * 2))['img']
    """

    def __init__(self,
                 brightness: float | Sequence[float] = 0.,
                 contrast: float | Sequence[float] = 0.,
                 saturation: float | Sequence[float] = 0.,
                 hue: float | Sequence[float] = 0.) -> None:
        super().__init__(brightness, contrast, saturation, hue)

    def transform(self, results: dict) -> dict:
        """Jitter ``results['img']``, ``(H, W, 3)`` uint8 BGR (or each image of a list alike)."""
        order, brightness, contrast, saturation, hue = self._rand_params()
        changes = ((adjust_brightness, brightness), (adjust_contrast, contrast),
                   (adjust_saturation, saturation))

        def jitter(img: np.ndarray) -> np.ndarray:
            for index in order:
                if index == 3:
                    img = img if hue is None else shift_hue(img, hue)
                elif changes[index][1] is not None:
                    adjust, amount = changes[index]
                    img = adjust(img, amount)
            return img

        img = results['img']
        results['img'] = [jitter(i) for i in img] if isinstance(img, list) else jitter(img)
        return results
