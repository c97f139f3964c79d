"""Hooks: checks of tokenizer, codebook, labels and resuming, pictures, online kNN, losses."""

from .codebook_hook import CodebookHook
from .codebook_init_hook import CodebookInitHook
from .epoch_of_dataset_hook import EpochOfDatasetHook
from .fast_forward_hook import FastForwardHook
from .online_knn_hook import OnlineKNNHook
from .picture_hook import PictureHook
from .resume_check_hook import ResumeCheckHook
from .resume_seed_hook import ResumeSeedHook
from .runtime_info_hook import RuntimeInfoHook
from .show_results_hook import ShowResultsHook
from .tokenizer_guard_hook import TokenizerGuardHook, TokenizerMismatchError
from .tokenizer_size_hook import TokenizerSizeHook

__all__ = [
    'CodebookHook', 'CodebookInitHook', 'EpochOfDatasetHook', 'FastForwardHook',
    'OnlineKNNHook', 'PictureHook', 'ResumeCheckHook', 'ResumeSeedHook',
    'RuntimeInfoHook', 'ShowResultsHook', 'TokenizerGuardHook', 'TokenizerMismatchError',
    'TokenizerSizeHook'
]
