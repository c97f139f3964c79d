"""Images in a few large tar files, in the format of the ``webdataset`` package."""

from .shard_index import ShardIndex
from .tar_shards import TarShards
from .write_shards import write_shards

__all__ = ['ShardIndex', 'TarShards', 'write_shards']
