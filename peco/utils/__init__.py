"""Ground-floor helpers: checkpoints and configs."""

from .checkpoint import CheckpointError, load_checkpoint, register_safe_globals

__all__ = ['CheckpointError', 'load_checkpoint', 'register_safe_globals']
