"""Ours and its peers on the same work, side by side in one run."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch

from peco.utils.run_in_child import run_in_child
from peco.utils.take_turns import ratio, take_turns

from .report import Row

DTYPES = dict(float32=torch.float32, bfloat16=torch.bfloat16)


@dataclass(frozen=True)
class Contestant:
    """One way to do a piece of work.

    Attributes:
        name: For the table.
        dtype: ``'float32'`` or ``'bfloat16'``; contestants compete within it.
        make: A function of a module, so that a child can import it: ``make(device, dtype,
            **arguments)`` builds everything and returns the call to be timed.
        images: Images of a call.
        arguments: Further arguments of ``make``.
        is_ours: Whether the others are measured against it.
        package: What has to be installed.
    """

    name: str
    dtype: str
    make: Callable[..., Callable[[], object]]
    images: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_ours: bool = False
    package: str = 'torch'

    def build(self, device: str) -> Callable[[], object]:
        """The call, ready to run."""
        torch.manual_seed(0)
        return self.make(device, self.dtype, **self.arguments)


def hold(contestants: Sequence[Contestant], device: str, threads: int | None,
         rounds: int) -> list[Row]:
    """Time the contestants of each dtype in turn, and measure each one's memory alone.

    Args:
        contestants: In the order of the table; one of a dtype is ours.
        device: ``'cpu'`` or ``'cuda'``.
        threads: Threads of torch; None leaves torch's own choice.
        rounds: Calls that count.

    Returns:
        A row for each; without figures where a package is not installed.
    """
    rows = []
    for dtype in dict.fromkeys(contestant.dtype for contestant in contestants):
        group = [c for c in contestants if c.dtype == dtype]
        there = [c for c in group if importlib.util.find_spec(c.package) is not None]
        times, _ = run_in_child(_times, there, device, rounds, threads=threads)
        ours = next((times[c.name] for c in there if c.is_ours), None)
        for contestant in group:
            if contestant not in there:
                rows.append(Row(f'{contestant.name} ({contestant.package} is not installed)',
                                dtype))
                continue
            _, peak = run_in_child(_run_alone, contestant, device, threads=threads)
            seconds = times[contestant.name]
            median = statistics.median(seconds)
            against = None if ours is None or contestant.is_ours else ratio(seconds, ours)
            rows.append(Row(contestant.name, dtype, median, contestant.images / median, peak,
                            against))
    return rows


def precision(device: str, dtype: str) -> AbstractContextManager:
    """Autocast to bfloat16, or nothing for float32."""
    return nullcontext() if dtype == 'float32' else torch.autocast(device, DTYPES[dtype])


def _times(contestants: Sequence[Contestant], device: str, rounds: int) -> dict[str, list[float]]:
    return take_turns({c.name: c.build(device) for c in contestants}, rounds, device=device)


def _run_alone(contestant: Contestant, device: str) -> None:
    call = contestant.build(device)
    for _ in range(2):
        call()
