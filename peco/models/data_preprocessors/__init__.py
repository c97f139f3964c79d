"""Data preprocessors: uint8 batches to what the models take."""

from .two_view_data_preprocessor import TwoViewDataPreprocessor

__all__ = ['TwoViewDataPreprocessor']
