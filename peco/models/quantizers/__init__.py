"""Quantizers: vectors to codes of a learned codebook."""

from .base_quantizer import BaseQuantizer
from .cosine_ema_quantizer import CosineEMAQuantizer
from .ema_quantizer import EMAQuantizer
from .quantizer_output import QuantizerOutput

__all__ = ['BaseQuantizer', 'CosineEMAQuantizer', 'EMAQuantizer', 'QuantizerOutput']
