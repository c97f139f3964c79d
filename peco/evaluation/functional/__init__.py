"""Numeric cores of the metrics."""

from .bag_of_codes import bag_of_codes
from .codebook_statistics import codebook_statistics
from .linear_probe import linear_probe
from .psnr import psnr
from .weighted_knn import weighted_knn

__all__ = ['bag_of_codes', 'codebook_statistics', 'linear_probe', 'psnr', 'weighted_knn']
