"""Run the stages of PeCo one after the other, resumable, with one closing table."""

from .pipeline import Pipeline
from .report import Report
from .stage import Stage
from .stage_process import StageProcess

__all__ = ['Pipeline', 'Report', 'Stage', 'StageProcess']
