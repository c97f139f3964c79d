"""Training: launch, precision, data parallelism and hooks."""

from . import dense, hooks, optim
from .distributed_data_parallel import DistributedDataParallel
from .launch import setup_launcher

__all__ = ['DistributedDataParallel', 'dense', 'hooks', 'optim', 'setup_launcher']
