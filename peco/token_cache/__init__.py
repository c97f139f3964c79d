"""Token ids of fixed crops on disk: tokenized once, replayed in every epoch."""

from .seeded import seeded
from .token_cache import (
    DONE,
    MISSING,
    UNREADABLE,
    VERSION,
    TokenCache,
    id_dtype,
    image_checksum,
)
from .token_cache_writer import TokenCacheWriter

__all__ = [
    'DONE', 'MISSING', 'UNREADABLE', 'VERSION', 'TokenCache', 'TokenCacheWriter', 'id_dtype',
    'image_checksum', 'seeded'
]
