"""PeCo from Python: build a model, then tokenize, reconstruct, extract features, classify."""

from .inference import classify, extract_features, load_images, reconstruct, tokenize
from .init_model import init_model

__all__ = [
    'classify', 'extract_features', 'init_model', 'load_images', 'reconstruct', 'tokenize'
]
