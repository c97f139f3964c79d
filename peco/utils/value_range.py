"""From the value range of a model to [0, 1] and back."""

from torch import Tensor


def to_unit(images: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Bring images of a value range to [0, 1].

    Args:
        images: Images of any shape.
        value_range: Their lowest and highest value.
    """
    low, high = value_range
    return (images - low) / (high - low)


def from_unit(images: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Bring images in [0, 1] to a value range.

    Args:
        images: Images of any shape.
        value_range: Lowest and highest value of the result.
    """
    low, high = value_range
    return images * (high - low) + low
