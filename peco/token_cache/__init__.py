"""Token ids of fixed crops on disk: tokenized once, replayed in every epoch."""

from .seeded import seeded
from .token_cache import DONE, MISSING, UNREADABLE, TokenCache, id_dtype
from .token_cache_writer import TokenCacheWriter

__all__ = [
    'DONE', 'MISSING', 'UNREADABLE', 'TokenCache', 'TokenCacheWriter', 'id_dtype', 'seeded'
]
