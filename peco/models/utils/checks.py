"""Checks of tensor values that do not make a GPU wait."""

from __future__ import annotations

from collections.abc import Callable

import torch

TOLERANCE = 1e-3


def require(condition: torch.Tensor, describe: Callable[[], str], hint: str) -> None:
    """Raise unless a condition on values holds.

    On a GPU the check is queued there (``torch._assert_async``): the step does not wait for it,
    and a failure shows at a later synchronisation with ``hint`` alone.

    Args:
        condition: Boolean scalar.
        describe: Gives the observed values; called on failure, on the CPU only.
        hint: What is expected and what to do.

    Raises:
        ValueError: On the CPU, if the condition is false.
    """
    if condition.is_meta:
        return
    if condition.is_cuda:
        torch._assert_async(condition, hint)
    elif not condition:
        raise ValueError(f'{describe()}; {hint}')


def check_images(images: torch.Tensor, value_range: tuple[float, float], user: str) -> None:
    """Check that images are a float RGB batch whose values lie in a range and are finite.

    Args:
        images: ``(B, 3, H, W)``.
        value_range: Least and greatest value allowed, up to a tolerance of 0.001.
        user: Who asks, for the message.

    Raises:
        TypeError: If the dtype is not floating point.
        ValueError: If the shape is wrong or a value lies outside the range or is not finite.

    Example:
        >>> import torch
        >>> from peco.models.utils.checks import check_images
        >>> check_images(torch.full((1, 3, 4, 4), 255.), (0., 1.), 'the tokenizer')
        Traceback (most recent call last):
        ...
        ValueError: images lie in [255, 255]; the tokenizer expects finite values in [0, 1]: ...
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f'images have the shape {tuple(images.shape)}; {user} expects RGB images '
                         f'of the shape (B, 3, H, W)')
    low, high = value_range
    hint = (f'{user} expects finite values in [{low:g}, {high:g}]: give RGB images in that range, '
            f'not normalised by a mean and not in 0-255')
    if not images.is_floating_point():
        raise TypeError(f'images are {images.dtype}; {hint}')
    if images.numel() == 0:
        raise ValueError(f'images have the shape {tuple(images.shape)}: the batch is empty')
    least, greatest = images.detach().aminmax()
    # A NaN makes both comparisons false.
    inside = (least >= low - TOLERANCE) & (greatest <= high + TOLERANCE)
    require(inside, lambda: f'images lie in [{least.item():.4g}, {greatest.item():.4g}]', hint)


def check_finite(values: torch.Tensor, what: str, hint: str) -> None:
    """Check that no value is NaN or infinite.

    Args:
        values: Any shape, floating point.
        what: Name of the values, for the message.
        hint: What to do.

    Raises:
        ValueError: If a value is not finite (on a GPU: later, see :func:`require`).
    """
    # A sum is finite only if its terms are, and costs no mask of the same size; an overflow of
    # finite terms is ruled out by the float64 accumulator.
    total = values.detach().sum(dtype=torch.float64)
    require(total.isfinite(), lambda: f'{what} hold NaN or infinite values', hint)
