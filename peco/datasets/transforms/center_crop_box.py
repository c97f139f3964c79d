"""The central square as a crop box, for evaluation."""

from mmcv.transforms import BaseTransform

from peco.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CenterCropBox(BaseTransform):
    """Write the central square of an image as its crop box, unflipped.

    With :class:`CropAndResize` this is the usual evaluation view: ``fraction=224 / 256`` equals
    resizing the short side to 256 and cutting out 224, with the resampling used in training.

    **Required keys:** ``img``. **Added keys:** ``crop_box``, ``flip``.

    Args:
        fraction: Side of the square relative to the image's short side, in (0, 1].
    """

    def __init__(self, fraction: float = 0.875) -> None:
        if not 0 < fraction <= 1:
            raise ValueError(f'fraction must be in (0, 1], got {fraction}')
        self.fraction = fraction

    def transform(self, results: dict) -> dict:
        """Add ``crop_box`` and ``flip``."""
        height, width = results['img'].shape[:2]
        side = max(1, round(self.fraction * min(height, width)))
        results['crop_box'] = ((width - side) // 2, (height - side) // 2, side, side)
        results['flip'] = False
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(fraction={self.fraction})'
