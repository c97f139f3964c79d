"""PeCo: perceptual codebooks for BERT pre-training of vision transformers."""

from . import registry

__all__ = ['registry']
