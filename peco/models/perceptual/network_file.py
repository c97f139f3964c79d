"""The self-describing file of a perceptual network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from peco.utils.checkpoint import load_checkpoint
from peco.utils.fingerprint import state_dict_fingerprint
from peco.utils.whole_file import whole_file

FORMAT = 'peco.perceptual_network'
VERSION = 1
MADE_BY = 'python tools/export_perceptual.py SSL_CONFIG SSL_CHECKPOINT {path}'


def save_network(path: str | Path, backbone: dict, state_dict: dict[str, torch.Tensor],
                 mean: Sequence[float], std: Sequence[float], source: str) -> str:
    """Write a perceptual network, whole or not at all.

    Args:
        path: The file; folders on the way are made.
        backbone: Config of the backbone in plain types, with its scope in ``type``.
        state_dict: Its weights.
        mean: Channel means in units of [0, 1].
        std: Channel deviations in units of [0, 1].
        source: The config that trained it.

    Returns:
        The fingerprint of the weights.
    """
    fingerprint = state_dict_fingerprint(state_dict)
    content = dict(format=FORMAT, version=VERSION, backbone=backbone, state_dict=state_dict,
                   mean=list(mean), std=list(std), source=source, fingerprint=fingerprint)
    with whole_file(path) as unfinished:
        torch.save(content, unfinished)
    return fingerprint


def read_network(path: str | Path) -> dict:
    """Read what :func:`save_network` wrote, and verify it.

    Args:
        path: The file.

    Returns:
        ``backbone``, ``state_dict``, ``mean``, ``std``, ``source`` and ``fingerprint``.

    Raises:
        FileNotFoundError: If there is no such file; the message tells how to make it.
        ValueError: If it is another kind of file, or its weights are not those it was written
            with.
    """
    made_by = MADE_BY.format(path=path)
    content = load_checkpoint(path, made_by=made_by)
    if not isinstance(content, dict) or content.get('format') != FORMAT:
        raise ValueError(f'{path} is not the file of a perceptual network. Make one from a '
                         f'self-supervised checkpoint: {made_by}')
    if content.get('version') != VERSION:
        raise ValueError(f'{path} has version {content.get("version")} of the format, this code '
                         f'reads version {VERSION}. Make it again: {made_by}')
    if state_dict_fingerprint(content['state_dict']) != content['fingerprint']:
        raise ValueError(f'The weights in {path} are not those it was written with. Make it '
                         f'again: {made_by}')
    return content
