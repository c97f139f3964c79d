"""Ground-floor helpers: checkpoints and configs."""

from .checkpoint import CheckpointError, load_checkpoint, register_safe_globals
from .config import ConfigError, load_config, merge_options

__all__ = [
    'CheckpointError', 'ConfigError', 'load_checkpoint', 'load_config', 'merge_options',
    'register_safe_globals'
]
