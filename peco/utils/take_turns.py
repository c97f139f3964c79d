"""Times of candidates that take turns, so that a busy machine is busy for all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from rich.progress import Progress


def take_turns(candidates: Mapping[str, Callable[[], object]], rounds: int,
               warmup: int = 1, device: str = 'cpu') -> dict[str, list[float]]:
    """Call the candidates in turn, A B A B, and note the seconds of each call.

    Args:
        candidates: Functions of no argument, by name.
        rounds: Calls of each that count.
        warmup: Calls of each before.
        device: Where they run: a GPU is waited for.

    Returns:
        For each name ``rounds`` times.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    with Progress(transient=True) as progress:
        task = progress.add_task('timing', total=(rounds + warmup) * len(candidates))
        for number in range(rounds + warmup):
            for name, function in candidates.items():
                _wait(device)
                start = time.perf_counter()
                function()
                _wait(device)
                if number >= warmup:
                    times[name].append(time.perf_counter() - start)
                progress.advance(task)
    return times


def ratio(times: list[float], ours: list[float]) -> float:
    """Median of the ratios of each pair of calls."""
    return statistics.median(theirs / own for theirs, own in zip(times, ours, strict=True))


def _wait(device: str) -> None:
    if device == 'cuda':
        torch.cuda.synchronize()
