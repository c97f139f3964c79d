"""Datasets, transforms and demo data of PeCo; importing this package registers them."""

from . import demo, shards, transforms
from .image_folder import ImageFolder
from .seed_worker import seed_worker
from .seeded_views import SeededViews
from .shards import TarShards
from .transforms import UnreadableImageError
from .view_pipeline import ViewPipeline

__all__ = [
    'ImageFolder', 'SeededViews', 'TarShards', 'UnreadableImageError', 'ViewPipeline', 'demo',
    'seed_worker', 'shards', 'transforms'
]
