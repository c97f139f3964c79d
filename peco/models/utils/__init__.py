"""Small modules shared by the models."""

from .frozen import Frozen

__all__ = ['Frozen']
