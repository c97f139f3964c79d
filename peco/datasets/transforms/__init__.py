"""Transforms of PeCo: reading, one crop for every view, block-wise masks, packing."""

from .blockwise_mask import BlockwiseMask
from .center_crop_box import CenterCropBox
from .color_jitter import ColorJitter
from .crop_and_resize import CropAndResize
from .load_image import LoadImage, UnreadableImageError
from .pack_inputs import PackInputs
from .random_crop_box import RandomCropBox

__all__ = [
    'BlockwiseMask', 'CenterCropBox', 'ColorJitter', 'CropAndResize', 'LoadImage', 'PackInputs',
    'RandomCropBox', 'UnreadableImageError'
]
