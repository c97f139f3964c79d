"""Models around a backbone that is already trained."""

from .feature_extractor import FeatureExtractor

__all__ = ['FeatureExtractor']
