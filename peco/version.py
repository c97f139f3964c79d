"""The version of PeCo."""

__version__ = '0.1.0'
