"""Fingerprint of a set of weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch


def state_dict_fingerprint(state_dict: Mapping[str, torch.Tensor]) -> str:
    """Name a set of weights by its content.

    The fingerprint depends on the names, dtypes, shapes and bits of the tensors; it does not
    depend on their order, device or memory layout.

    Args:
        state_dict: Tensors by name, as ``module.state_dict()`` gives them.

    Returns:
        A SHA-256 digest of 64 hexadecimal characters.

    Raises:
        TypeError: If an entry is not a tensor.

    Example:
        >>> import torch
        >>> from peco.utils.fingerprint import state_dict_fingerprint
        >>> state_dict_fingerprint({'weight': torch.zeros(2)})[:8]
        'b7bc6528'
    """
    digest = hashlib.sha256()
    for name in sorted(state_dict):
        tensor = state_dict[name]
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f'Only tensors have a fingerprint, but {name!r} is a '
                            f'{type(tensor).__name__}.')
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f'{name}|{tensor.dtype}|{tuple(tensor.shape)}|'.encode())
        # A view as bytes covers the dtypes that numpy does not know, such as bfloat16.
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
