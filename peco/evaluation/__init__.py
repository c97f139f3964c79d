"""Evaluation of PeCo; importing this package registers the metrics."""

from . import functional, metrics

__all__ = ['functional', 'metrics']
