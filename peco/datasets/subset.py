"""Deterministic subsets of a labelled list of files."""

import logging
from collections.abc import Sequence
from itertools import chain

import numpy as np
from mmengine.logging import print_log


def _shuffled_members(names: Sequence[str], labels: Sequence[int],
                      seed: int) -> dict[int, list[int]]:
    """Positions of each label's files in a random order.

    The order depends on the file names, the label and the seed alone: neither on the order of the
    list nor on other classes.
    """
    members: dict[int, list[int]] = {}
    for position in sorted(range(len(names)), key=lambda i: names[i]):
        members.setdefault(int(labels[position]), []).append(position)
    return {
        label: np.random.default_rng([seed, label]).permutation(positions).tolist()
        for label, positions in members.items()
    }


def holdout_positions(names: Sequence[str],
                      labels: Sequence[int],
                      fraction: float,
                      part: str,
                      seed: int = 0) -> list[int]:
    """Positions of the training or the validation part of a split by class.

    Args:
        names: File name of each sample.
        labels: Label of each sample.
        fraction: Share of each class in the validation part, in (0, 1); at least one file of
            every class that has two or more.
        part: ``'train'`` or ``'val'``.
        seed: Seed of the split; both parts must be made with the same.

    Returns:
        Sorted positions.
    """
    if part not in ('train', 'val'):
        raise ValueError(f"holdout part must be 'train' or 'val', got {part!r}")
    if not 0 < fraction < 1:
        raise ValueError(f'holdout fraction must be in (0, 1), got {fraction}')
    chosen: list[int] = []
    for positions in _shuffled_members(names, labels, seed).values():
        count = 0
        if len(positions) > 1:
            count = min(max(1, round(fraction * len(positions))), len(positions) - 1)
        chosen += positions[:count] if part == 'val' else positions[count:]
    return sorted(chosen)


def per_class_positions(names: Sequence[str],
                        labels: Sequence[int],
                        num_per_class: int,
                        seed: int = 0,
                        allow_fewer: bool = False) -> list[int]:
    """Positions of ``num_per_class`` samples of each class.

    With the same seed, a smaller subset lies inside a larger one.

    Args:
        names: File name of each sample.
        labels: Label of each sample.
        num_per_class: How many.
        seed: Seed of the choice.
        allow_fewer: Take all of a class that has fewer, with a warning.

    Returns:
        Sorted positions.

    Raises:
        ValueError: If a class has fewer samples, unless that is allowed.
    """
    if num_per_class < 1:
        raise ValueError(f'num_per_class must be positive, got {num_per_class}')
    members = _shuffled_members(names, labels, seed)
    smallest = min(members, key=lambda label: len(members[label]), default=None)
    if smallest is not None and len(members[smallest]) < num_per_class:
        count = len(members[smallest])
        fault = (f'num_per_class={num_per_class}, but class {smallest} has only {count} '
                 f'images')
        if not allow_fewer:
            raise ValueError(f'{fault}: set num_per_class to at most {count}')
        print_log(f'{fault}: classes with fewer give all of theirs', logger='current',
                  level=logging.WARNING)
    return sorted(chain.from_iterable(
        positions[:num_per_class] for positions in members.values()))
