"""Tell an error that asks the user for a change from one that nobody expected."""

from __future__ import annotations

import dis
import re
from pathlib import Path
from types import TracebackType

from mmengine.dataset import BaseDataset
from mmengine.registry import build_functions

import peco

from .explain import raised_in_a_worker

_RAISE = dis.opmap['RAISE_VARARGS']
_PACKAGE = str(Path(peco.__file__).parent)
_NO_SUCH_NAME = re.compile(r'(\S+) is not in the (\S+) registry')
_ARGUMENTS = re.compile(
    r"(?:(?P<cls>\w+)\.)?__init__\(\) (?:got an unexpected keyword argument (?P<extra>'\w+')"
    r'|missing \d+ required (?:positional|keyword-only) arguments?: (?P<missing>.+))')
_FRAME_IN_TEXT = re.compile(r'^ *File "(?P<path>.+)", line \d+, in .+\n *(?P<source>.*)$', re.M)


def refusal(error: BaseException) -> str | None:
    """Return what an error asks of the user, or None if nobody foresaw it.

    Foreseen are errors that a ``raise`` statement of PeCo made, in this process or in a data loader
    worker; a name that a registry does not hold; arguments that a class does not take or lacks;
    a data set without images; a file that may not be written. Everything else is a fault of the
    code, and its traceback is of use.

    Args:
        error: What stopped a run, with its traceback.

    Returns:
        The message, for a line of its own.

    Example:
        >>> from peco.models.quantizers import EMAQuantizer
        >>> try:
        ...     EMAQuantizer(codebook_size=0, code_dim=4)
        ... except ValueError as error:
        ...     print(refusal(error))
        codebook_size must be at least 1, got 0.
    """
    worker = raised_in_a_worker(str(error))
    if worker is not None:
        return worker.partition(': ')[2] if _own_frame_in_text(str(error)) else None
    if error.__traceback__ is None:
        return None
    if (empty := _empty_dataset(error.__traceback__)) is not None:
        return _no_images(empty)
    last = _innermost(error.__traceback__)
    module = last.tb_frame.f_globals.get('__name__', '')
    if module.split('.')[0] == 'peco':
        code = last.tb_frame.f_code.co_code
        if code[last.tb_lasti] == _RAISE and not isinstance(error, NotImplementedError):
            # The text of a KeyError has quotation marks around it.
            return str(error.args[0]) if isinstance(error, KeyError) else str(error)
    in_registry = module == build_functions.__name__
    if in_registry and isinstance(error, KeyError):
        return _unknown_name(str(error.args[0]))
    if isinstance(error, TypeError) and (
            in_registry or last.tb_frame.f_code.co_name == '__init__'):
        return _wrong_arguments(str(error), last)
    if isinstance(error, (PermissionError, NotADirectoryError, FileExistsError)) and error.filename:
        return f"'{error.filename}' cannot be written or read: {error.strerror}"
    return None


def _empty_dataset(traceback: TracebackType | None) -> BaseDataset | None:
    """The data set whose reading an error ended because it holds nothing."""
    while traceback is not None:
        code, dataset = traceback.tb_frame.f_code, traceback.tb_frame.f_locals.get('self')
        if code is BaseDataset._serialize_data.__code__ and not dataset.data_list:
            return dataset
        traceback = traceback.tb_next
    return None


def _no_images(dataset: BaseDataset) -> str:
    places = ', '.join(f"{key} '{path}'" for key, path in dataset.data_prefix.items())
    if dataset.ann_file:
        places += f", ann_file '{dataset.ann_file}'"
    told = [f'{key}={getattr(dataset, key)!r}'
            for key in ('img_suffix', 'seg_map_suffix', 'filter_cfg')
            if getattr(dataset, key, None)]
    settings = f" with {', '.join(told)}" if told else ''
    return (f'data set {type(dataset).__name__} finds no image in {places}{settings}: check the '
            'folders and these keys of its config')


def _innermost(traceback: TracebackType) -> TracebackType:
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


def _own_frame_in_text(text: str) -> bool:
    frames = list(_FRAME_IN_TEXT.finditer(text))
    return bool(frames) and frames[-1]['path'].startswith(_PACKAGE) and frames[-1][
        'source'].startswith('raise ')


def _unknown_name(text: str) -> str | None:
    found = _NO_SUCH_NAME.match(text)
    return found and (f"the config names '{found[1]}', which is not in the registry {found[2]}: "
                      "check the spelling and the scope, such as 'peco.' or 'mmpretrain.'")


def _wrong_arguments(text: str, last: TracebackType) -> str | None:
    found = _ARGUMENTS.search(text)
    if found is None:
        return None
    # Python 3.9 and older do not name the class.
    built = last.tb_frame.f_locals.get('obj_cls')
    name = found['cls'] or getattr(built, '__name__', 'a class of the config')
    if found['extra']:
        return f'{name} takes no {found["extra"]}: take that key out of the config'
    return f'{name} needs {found["missing"]}: set it in the config'
