"""Sizes of vision transformers, and names of their blocks."""

from __future__ import annotations

from collections.abc import Sequence

ARCHS = dict(
    tiny=dict(embed_dims=192, num_layers=12, num_heads=3),
    small=dict(embed_dims=384, num_layers=12, num_heads=6),
    base=dict(embed_dims=768, num_layers=12, num_heads=12),
    large=dict(embed_dims=1024, num_layers=24, num_heads=16),
    huge=dict(embed_dims=1280, num_layers=32, num_heads=16),
)


def parse_arch(arch: str | dict) -> dict:
    """Complete a named or given architecture.

    Args:
        arch: A key of ``ARCHS`` or a dict, see :class:`PeCoViT`.

    Returns:
        ``embed_dims``, ``num_layers``, ``num_heads`` and ``mlp_ratio``.

    Raises:
        ValueError: An unknown name or key, or widths that do not fit each other.
    """
    if isinstance(arch, str):
        if arch not in ARCHS:
            raise ValueError(f'arch must be one of {sorted(ARCHS)} or a dict, got {arch!r}')
        arch = ARCHS[arch]
    arch = dict(arch)
    known = {'embed_dims', 'num_layers', 'num_heads', 'feedforward_channels', 'mlp_ratio'}
    required = {'embed_dims', 'num_layers', 'num_heads'}
    if set(arch) - known or required - set(arch):
        raise ValueError(f'an arch dict has the keys {sorted(required)} and optionally '
                         f'feedforward_channels or mlp_ratio, got {sorted(arch)}')
    if arch['embed_dims'] % arch['num_heads']:
        raise ValueError(f'embed_dims={arch["embed_dims"]} is not divisible by '
                         f'num_heads={arch["num_heads"]}')
    if 'feedforward_channels' in arch:
        if 'mlp_ratio' in arch:
            raise ValueError('give feedforward_channels or mlp_ratio, not both')
        arch['mlp_ratio'] = arch.pop('feedforward_channels') / arch['embed_dims']
    arch.setdefault('mlp_ratio', 4.)
    return arch


def parse_block_indices(indices: int | Sequence[int], num_layers: int,
                        name: str) -> tuple[int, ...]:
    """Count negative block indices from the end.

    Args:
        indices: A block or several, rising.
        num_layers: Blocks of the architecture.
        name: Name of the argument, for the error.

    Raises:
        ValueError: A block that does not exist, or an order that does not rise.
    """
    given = (indices, ) if isinstance(indices, int) else tuple(indices)
    blocks = tuple(i + num_layers if i < 0 else i for i in given)
    if not all(0 <= i < num_layers for i in blocks):
        raise ValueError(f'{name}={indices} must name blocks of a transformer with '
                         f'{num_layers} blocks')
    if list(blocks) != sorted(set(blocks)):
        raise ValueError(f'{name}={indices} must rise')
    return blocks
