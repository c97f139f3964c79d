"""Perceptual losses and the frozen networks behind them."""

from .backbone_features import BackboneFeatures
from .base_perceptual_loss import BasePerceptualLoss
from .feature_network import FeatureNetwork
from .lpips_loss import LPIPSLoss
from .network_file import read_network, save_network
from .perceptual_loss import PerceptualLoss
from .perceptual_network import PerceptualNetwork
from .timm_features import TimmFeatures

__all__ = [
    'BackboneFeatures', 'BasePerceptualLoss', 'FeatureNetwork', 'LPIPSLoss', 'PerceptualLoss',
    'PerceptualNetwork', 'TimmFeatures', 'read_network', 'save_network'
]
