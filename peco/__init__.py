"""PeCo: perceptual codebooks for BERT pre-training of vision transformers."""

from . import registry
from .utils.checkpoint import register_safe_globals

register_safe_globals()

__all__ = ['registry']
