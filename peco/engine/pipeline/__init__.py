"""Run the stages of PeCo one after the other, resumable, with one closing table."""

from .command_line import add_amp_argument, bf16_is_native, redo_stage, run_from_command_line
from .ledger import Ledger
from .pipeline import Pipeline
from .progress import PipelineProgress
from .report import Report
from .repository import working_in
from .spec import fill, read_spec
from .stage import Stage
from .stage_process import StageProcess

__all__ = [
    'Ledger', 'Pipeline', 'PipelineProgress', 'Report', 'Stage', 'StageProcess',
    'add_amp_argument', 'bf16_is_native', 'fill', 'read_spec', 'redo_stage',
    'run_from_command_line', 'working_in'
]
