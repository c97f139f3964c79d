"""Tokenizers: images to grids of discrete tokens and back."""

from .base_tokenizer import BaseTokenizer
from .conv_decoder import ConvDecoder
from .conv_encoder import ConvEncoder
from .feature_decoder import FeatureDecoder
from .feature_tokenizer import FeatureTokenizer
from .load_frozen_tokenizer import load_frozen_tokenizer
from .perceptual_tokenizer import PerceptualTokenizer
from .pixel_loss import PixelLoss

__all__ = [
    'BaseTokenizer', 'ConvDecoder', 'ConvEncoder', 'FeatureDecoder', 'FeatureTokenizer',
    'PerceptualTokenizer', 'PixelLoss', 'load_frozen_tokenizer'
]
