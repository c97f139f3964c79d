"""Read a field of a predicted sample."""

from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

# Result of a sample that a metric leaves out. A place for every sample keeps the results of several
# ranks in step, and mmengine drops None.
LEFT_OUT = ()


def sample_field(sample: dict | BaseDataElement, key: str, reader: object) -> Any:
    """Field ``key`` of a sample; tensors come detached and on the CPU.

    Args:
        sample: A predicted sample, as mmengine's evaluator hands it out.
        key: Name of the field.
        reader: The metric that needs it, for the error message.

    Raises:
        KeyError: If the sample has no such field.
    """
    if key not in sample:
        raise KeyError(f'{type(reader).__name__} needs {key!r} in every predicted data sample, '
                       f'got only {sorted(sample.keys())}')
    value = sample.get(key)
    return value.detach().cpu() if isinstance(value, Tensor) else value


def sample_label(sample: dict | BaseDataElement, reader: object) -> int:
    """The single label of a sample."""
    label = torch.as_tensor(sample_field(sample, 'gt_label', reader)).reshape(-1)
    if len(label) != 1:
        raise ValueError(f'{type(reader).__name__} needs one label for an image, got '
                         f'{label.tolist()}')
    return int(label[0])


def sample_token_row(sample: dict | BaseDataElement, reader: object) -> np.ndarray:
    """The token ids of a sample as a row of int32."""
    return sample_field(sample, 'token_ids', reader).reshape(-1).numpy().astype(np.int32)


def plays_role(sample: dict | BaseDataElement, role: str | None, reader: object) -> bool:
    """Whether a sample belongs to the split that a metric looks at; all do for ``role=None``."""
    return role is None or sample_field(sample, 'split_role', reader) == role
