"""PeCo from Python: build a model, then tokenize, reconstruct, classify, detect, segment."""

from .dense_inference import draw_dense, predict_dense
from .inference import classify, extract_features, load_images, reconstruct, tokenize
from .init_model import init_model

__all__ = [
    'classify', 'draw_dense', 'extract_features', 'init_model', 'load_images', 'predict_dense',
    'reconstruct', 'tokenize'
]
