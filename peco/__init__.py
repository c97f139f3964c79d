"""PeCo: perceptual codebooks for BERT pre-training of vision transformers."""

from .utils.environment import check_mmcv
from .version import __version__

check_mmcv()

# Not before the check: these import mmengine, whose own error would hide ours.
from . import registry  # noqa: E402
from .utils.checkpoint import register_safe_globals  # noqa: E402

register_safe_globals()

__all__ = ['__version__', 'registry']
