"""Pretraining algorithms."""

from .peco import PeCo

__all__ = ['PeCo']
