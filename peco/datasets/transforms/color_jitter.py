"""Colour jitter that treats all views of an image alike."""

from mmcv.transforms.utils import cache_random_params
from mmpretrain.datasets.transforms import ColorJitter as _ColorJitter

from peco.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ColorJitter(_ColorJitter):
    """mmpretrain's colour jitter, also for a list of views: one draw serves all of them.

    Example:
        >>> jitter = ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4)
        >>> views = jitter(dict(img=[np.full((8, 8, 3), 9, np.uint8)] * 2))['img']
    """

    def transform(self, results: dict) -> dict:
        """Jitter ``img``, an array or a list of arrays."""
        if not isinstance(results['img'], list):
            return super().transform(results)
        with cache_random_params(self):
            results['img'] = [
                super(ColorJitter, self).transform(dict(img=view))['img']
                for view in results['img']
            ]
        return results
