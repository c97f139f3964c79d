"""Training engine: hooks, optimizer wrappers, distributed launch."""

from . import hooks, optim

__all__ = ['hooks', 'optim']
