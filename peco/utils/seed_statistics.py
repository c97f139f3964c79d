"""Means over seeds and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

LEVEL = 0.95
# Two seeds have an interval in name only: it can be of no width by chance.
LEAST_SEEDS = 3


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: The mean.
        half_width: Half of the 95 % interval of the mean by Student's t; None for one seed.
        seeds: Number of seeds.
    """

    mean: float
    half_width: float | None
    seeds: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero; of fewer than three seeds none does."""
        return self.seeds >= LEAST_SEEDS and abs(self.mean) > self.half_width

    def difference(self, spec: str = '.1f') -> str:
        """As :meth:`text` with a sign, and a star where the interval excludes zero."""
        return self.text(f'+{spec}') + (' *' if self.excludes_zero else '')

    def text(self, spec: str = '.1f') -> str:
        """``mean ± half width`` in a format."""
        if self.half_width is None:
            return format(self.mean, spec)
        return f"{self.mean:{spec}} ± {self.half_width:{spec.lstrip('+')}}"


def estimate(values: Sequence[float]) -> Estimate:
    """Mean of the values and its interval.

    Args:
        values: One for each seed, at least one.

    Raises:
        ValueError: Without a value.

    Example:
        >>> estimate([1., 2., 3.]).text('.2f')
        '2.00 ± 2.48'
    """
    if not values:
        raise ValueError('an estimate needs the value of one seed at least, got none')
    count = len(values)
    mean = sum(values) / count
    if count == 1:
        return Estimate(mean, None, 1)
    spread = math.sqrt(sum((value - mean)**2 for value in values) / (count - 1))
    quantile = float(stats.t.ppf((1 + LEVEL) / 2, count - 1))
    return Estimate(mean, quantile * spread / math.sqrt(count), count)


def minus(values: Mapping[int, float], reference: Mapping[int, float]) -> dict[int, float]:
    """What an arm differs in from another, by seed, where both have a value."""
    return {seed: values[seed] - reference[seed] for seed in sorted(set(values) & set(reference))}


def paired_difference(values: Mapping[int, float],
                      reference: Mapping[int, float]) -> Estimate | None:
    """Mean of what the arms differ in, seed by seed.

    Args:
        values: An arm's values by seed.
        reference: The other's.

    Returns:
        Estimate over the seeds that both have; None if there are none.
    """
    both = minus(values, reference)
    return estimate(list(both.values())) if both else None
