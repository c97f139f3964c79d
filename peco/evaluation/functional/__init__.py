"""Numeric cores of the metrics."""

from .bag_of_codes import bag_of_codes
from .linear_probe import linear_probe
from .weighted_knn import weighted_knn

__all__ = ['bag_of_codes', 'linear_probe', 'weighted_knn']
