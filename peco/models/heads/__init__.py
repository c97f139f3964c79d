"""Heads."""

from .mim_head import MIMHead
from .multi_depth_linear_head import MultiDepthLinearHead

__all__ = ['MIMHead', 'MultiDepthLinearHead']
