"""The same stages for several arms and seeds, and what the arms differ in."""

from .study import Study
from .study_report import Measure, StudyReport

__all__ = ['Measure', 'Study', 'StudyReport']
