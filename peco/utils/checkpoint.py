"""Safe loading of checkpoints: tensors and plain values, never code."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

_STATISTICS = ('min', 'max', 'mean', 'current')
# Element types of the arrays and scalars that logs and dataset metainfo hold; no object arrays.
_ELEMENT_TYPES = ('?', 'b', 'h', 'i', 'l', 'q', 'B', 'H', 'I', 'L', 'Q', 'e', 'f', 'd', 'U', 'S')


class CheckpointError(RuntimeError):
    """A checkpoint file that exists but cannot, or must not, be read."""


def _statistics_method(owner: Any, name: str) -> Any:
    """Stand in for ``getattr`` in a checkpoint: logs name their four statistics by it.

    The real ``getattr`` would hand a file the way to every object of the process.
    """
    if owner is HistoryBuffer and name in _STATISTICS:
        return getattr(HistoryBuffer, name)
    raise pickle.UnpicklingError(f'GLOBAL builtins.getattr was not an allowed global: '
                                 f'{getattr(owner, "__name__", owner)}.{name}')


def _array_types() -> list:
    reconstruct = np.ndarray((0, )).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    functions = [(function, f'{module}.multiarray.{function.__name__}')
                 for function in (reconstruct, scalar) for module in ('numpy._core', 'numpy.core')]
    return [np.ndarray, np.dtype, *{type(np.dtype(char)) for char in _ELEMENT_TYPES}, *functions]


def register_safe_globals() -> None:
    """Let torch's weights-only loading read the checkpoints that mmengine's Runner writes.

    Beside tensors such a checkpoint holds the log history and numpy numbers; exactly these types
    are allowed. mmengine's loader of local files is replaced by :func:`load_checkpoint`, so that
    ``resume``, ``load_from`` and ``init_cfg`` are as safe and fail with the same one line.
    Called by ``import peco``; calling it again changes nothing.
    """
    torch.serialization.add_safe_globals(
        [HistoryBuffer, (_statistics_method, 'builtins.getattr'), *_array_types()])
    CheckpointLoader.register_scheme('', load_from_local, force=True)


def load_from_local(filename: str, map_location: Any = None) -> dict:
    """Serve mmengine's ``CheckpointLoader``, which logs this function's name."""
    return load_checkpoint(filename, map_location=map_location)


def load_checkpoint(path: str | Path, map_location: Any = 'cpu',
                    made_by: str | None = None) -> dict:
    """Load a checkpoint file without running any code in it.

    Args:
        path: A file written by ``torch.save`` or a ``.safetensors`` file.
        map_location: As :func:`torch.load`.
        made_by: The command that makes the file, told when it is missing.

    Returns:
        What the file holds. A ``.safetensors`` file gives ``{'state_dict': tensors}``.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: The file is damaged, or it is a pickle of more than weights.

    Example:
        >>> from peco.utils import load_checkpoint
        >>> weights = load_checkpoint('work_dirs/tokenizer/epoch_100.pth')[
        ...     'state_dict']  # doctest: +SKIP
    """
    path = Path(path).expanduser()
    if not path.is_file():
        what = 'is a folder, not a file' if path.is_dir() else 'does not exist'
        hint = f' Make it with: {made_by}' if made_by else ' Check the path.'
        raise FileNotFoundError(f"checkpoint '{path}' {what}.{hint}")
    if path.suffix == '.safetensors':
        return dict(state_dict=_load_safetensors(path, map_location))
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(_refusal(path, str(error))) from None
    except (RuntimeError, EOFError, ValueError, OSError, KeyError) as error:
        if 'CUDA' in str(error):  # the file is sound, the device is not there
            raise
        raise CheckpointError(_damaged(path, 'checkpoint')) from error


def _load_safetensors(path: Path, map_location: Any) -> dict:
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    try:
        return load_file(path, device=str(map_location or 'cpu'))
    except SafetensorError as error:
        raise CheckpointError(_damaged(path, 'safetensors file')) from error


def _damaged(path: Path, kind: str) -> str:
    return (f"checkpoint '{path}' ({path.stat().st_size:,} bytes) is damaged or no {kind}. "
            'Copy or make it again.')


def _refusal(path: Path, error: str) -> str:
    found = re.search(r'GLOBAL (\S+)', error)
    if found is None:
        return _damaged(path, 'checkpoint')
    return (f"checkpoint '{path}' was refused: loading it would run '{found.group(1)}', which is "
            'not part of a set of weights. Nothing was executed. Save it again with tensors, '
            'numbers, text, lists and dicts only.')
