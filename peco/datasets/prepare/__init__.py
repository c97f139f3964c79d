"""Public data sets as the files that the configs read."""

from .camvid import find_camvid, write_camvid
from .class_folders import write_class_folders
from .nuclei import find_nuclei, write_nuclei

__all__ = [
    'find_camvid', 'find_nuclei', 'write_camvid', 'write_class_folders', 'write_nuclei'
]
