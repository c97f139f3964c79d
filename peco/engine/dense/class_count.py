"""How many classes a head of mmdet or mmseg tells apart."""

from torch import nn


def last_head(head: nn.Module | None) -> nn.Module | None:
    """The head itself, or of a cascade the last one, which decides."""
    return head[-1] if isinstance(head, (list, nn.ModuleList)) else head


def class_count(head: nn.Module) -> int:
    """Number of classes; one channel tells two apart, whatever ``num_classes`` says.

    Example:
        >>> head = nn.Module()
        >>> head.num_classes, head.out_channels = 1, 1
        >>> class_count(head)
        2
    """
    if getattr(head, 'out_channels', None) == 1:
        return max(head.num_classes, 2)
    return head.num_classes
