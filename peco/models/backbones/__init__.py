"""Backbones."""

from .peco_vit import PeCoViT

__all__ = ['PeCoViT']
