"""What a person sees while a pipeline runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .stage import Stage

_TRAIN = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\]')
_ITER = re.compile(r'Iter\(train\)\s+\[\s*(\d+)/(\d+)\]')
_TEST = re.compile(r'Epoch\((?:test|val)\)\s+\[\s*(\d+)/(\d+)\]')
_LOSS = re.compile(r'\bloss: ([\d.]+)')
_MAX_EPOCHS = re.compile(r'\bmax_epochs\s*=\s*(\d+)')
HEARTBEAT_S = 15.


class PipelineProgress:
    """Progress of a pipeline: bars on a terminal, a line now and then in a log.

    Args:
        stages: All stages that will run, for the share of each in the whole.
        console: Where to write.
        scope: What the stages are all of, after "min left".
        rest: Tells when a stage is over what is left beyond these stages.
    """

    def __init__(self, stages: list[Stage], console: Console, scope: str = 'in all',
                 rest: Callable[[], str] | None = None) -> None:
        self.console = console
        self.scope = scope
        self.rest = rest
        self.left = {stage.name: stage.minutes for stage in stages}
        self.start = time.time()
        self.done_minutes = 0.
        self.total_minutes = sum(self.left.values())
        self.bar = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            TextColumn('{task.percentage:>3.0f}%'),
            TimeElapsedColumn(),
            TextColumn('{task.fields[note]}'),
            console=console,
            disable=not console.is_terminal)
        self.whole = self.bar.add_task('all stages', total=self.total_minutes or 1, note='')

    def __enter__(self) -> PipelineProgress:
        self.bar.start()
        return self

    def __exit__(self, *exc) -> None:
        self.bar.stop()

    def begin(self, stage: Stage, number: int, count: int) -> None:
        """A stage starts."""
        self.stage, self.stage_start, self.last_beat = stage, time.time(), time.time()
        self.fraction, self.max_epochs = 0., None
        self.label = f'[{number}/{count}] {stage.title}'
        self.task = self.bar.add_task(self.label, total=1, note='')
        if not self.console.is_terminal:
            self.console.print(f'{self.label} ...')

    def line(self, text: str) -> None:
        """Read progress off one line of the stage's output."""
        epochs = _MAX_EPOCHS.search(text)
        if epochs and self.max_epochs is None:
            self.max_epochs = int(epochs.group(1))
        train, step_of, test = (p.search(text) for p in (_TRAIN, _ITER, _TEST))
        if train:
            epoch, step, steps = map(int, train.groups())
            self.fraction = (epoch - 1 + step / steps) / max(self.max_epochs or epoch, epoch)
        elif step_of:
            self.fraction = int(step_of.group(1)) / int(step_of.group(2))
        elif test and self.stage.run == 'test':
            self.fraction = int(test.group(1)) / int(test.group(2))
        else:
            return
        loss = _LOSS.search(text)
        note = f'loss {loss.group(1)}  ' if loss else ''
        note += f'about {self.minutes_left():.0f} min left {self.scope}'
        self.bar.update(self.task, completed=self.fraction, note=note)
        self.bar.update(self.whole, completed=self.completed())
        if not self.console.is_terminal and time.time() - self.last_beat > HEARTBEAT_S:
            self.last_beat = time.time()
            self.console.print(f'    {self.fraction:4.0%}  {note}')

    def end(self, summary: str) -> None:
        """A stage is over."""
        self.done_minutes += self.left.pop(self.stage.name)
        self.fraction = 0.
        seconds = time.time() - self.stage_start
        self.bar.remove_task(self.task)
        self.bar.update(self.whole, completed=self.completed())
        self.console.print(f'{self.label}: {seconds:.0f} s  {summary}')
        if self.rest and (text := self.rest()):
            self.console.print(text)

    def completed(self) -> float:
        """Minutes of the plan that are behind us."""
        return self.done_minutes + self.fraction * self.left.get(self.stage.name, 0.)

    def minutes_left(self) -> float:
        """The plan's rest, stretched by how fast this machine has been so far."""
        completed = self.completed()
        elapsed = (time.time() - self.start) / 60
        pace = elapsed / completed if completed > 0.02 * self.total_minutes else 1.
        return (self.total_minutes - completed) * pace
