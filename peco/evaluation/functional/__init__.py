"""Numeric cores of the metrics."""

from .bag_of_codes import bag_of_codes
from .embedding_probe import embedding_probe
from .linear_probe import linear_probe
from .weighted_knn import weighted_knn

__all__ = ['bag_of_codes', 'embedding_probe', 'linear_probe', 'weighted_knn']
