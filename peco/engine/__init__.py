"""Training: launch, precision, data parallelism and hooks."""

from . import hooks, optim
from .distributed_data_parallel import DistributedDataParallel
from .launch import setup_launcher

__all__ = ['DistributedDataParallel', 'hooks', 'optim', 'setup_launcher']
