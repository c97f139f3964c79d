"""Datasets, transforms and demo data of PeCo; importing this package registers them."""

from . import demo, transforms
from .image_folder import ImageFolder
from .transforms import UnreadableImageError

__all__ = ['ImageFolder', 'UnreadableImageError', 'demo', 'transforms']
