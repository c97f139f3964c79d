"""Tokenizers: images to grids of discrete tokens and back."""

from .conv_decoder import ConvDecoder
from .conv_encoder import ConvEncoder
from .load_frozen_tokenizer import load_frozen_tokenizer
from .perceptual_tokenizer import PerceptualTokenizer
from .pixel_loss import PixelLoss

__all__ = [
    'ConvDecoder', 'ConvEncoder', 'PerceptualTokenizer', 'PixelLoss', 'load_frozen_tokenizer'
]
