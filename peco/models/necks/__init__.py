"""Necks: what stands between the backbone and the heads of dense tasks."""

from .feature_pyramid import FeaturePyramid

__all__ = ['FeaturePyramid']
