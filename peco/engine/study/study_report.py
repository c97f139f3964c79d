"""What came out of a study: numbers, a table and a figure."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from peco.utils.markdown_table import markdown_table
from peco.utils.seed_statistics import LEAST_SEEDS, Estimate, estimate, paired_difference
from peco.utils.write_json import write_json
from peco.utils.write_text import write_text
from peco.visualization import plot_study, plot_study_curves

_LEGEND = ('Means with 95 % intervals over seeds. *: the interval of a difference, of '
           f'{LEAST_SEEDS} seeds at least, excludes 0.')

# What tells one run of a stage from another; results of earlier versions lack it.
_RUN = ('finished', 'reads')

Metrics = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Measure:
    """A quantity that arms are compared by.

    Attributes:
        label: For the table.
        stage: Name of the stage that measures it.
        key: Its key among the stage's metrics.
        format: Format of a number.
        arms: Arms that have it; all if empty, which a shared stage's may not be.
        in_figure: Whether it is drawn.
        scale: What the metric is multiplied by: 100 makes points of a fraction.
        curve: Title of the curve that it is a point of, for what is measured at several epochs or
            depths; it is drawn there and not in the table.
        x: Its place on the curve.
        shared: Whether ``stage`` is one of the study's shared stages, with one value for all seeds.
    """

    label: str
    stage: str
    key: str
    format: str = '.1f'
    arms: Sequence[str] = field(default_factory=tuple)
    in_figure: bool = True
    scale: float = 1.
    curve: str | None = None
    x: float = 0.
    shared: bool = False


class StudyReport:
    """Collect the metrics of finished stages over arms and seeds.

    Args:
        title: Heading.
        arms: Columns of the table.
        seeds: Seeds that the study has.
        references: The arms that others are compared with, seed by seed.
        measures: Rows of the table.
        name: Of the files, before the suffix.
        known_arms: All arms of studies that share a folder, for colours; ``arms`` if left out.

    Raises:
        ValueError: If a reference is no arm.

    Example:
        >>> report = StudyReport('demo', ['a', 'b'], [0], ['a'],
        ...                      [Measure('top-1', 'probe', 'acc')])
        >>> metrics = {'seed0/a/probe': {'acc': 30.}, 'seed0/b/probe': {'acc': 33.}}
        >>> report.values(metrics, report.measures[0])
        {'a': {0: 30.0}, 'b': {0: 33.0}}
    """

    def __init__(self, title: str, arms: Sequence[str], seeds: Sequence[int],
                 references: Sequence[str], measures: Sequence[Measure], name: str = 'results',
                 known_arms: Sequence[str] | None = None) -> None:
        for reference in references:
            if reference not in arms:
                raise ValueError(f'the reference {reference!r} is none of the arms {list(arms)}')
        self.title = title
        self.arms = list(arms)
        self.seeds = list(seeds)
        self.references = list(references)
        self.measures = list(measures)
        self.name = name
        self.known_arms = list(known_arms or arms)

    def values(self, metrics: Metrics, measure: Measure) -> dict[str, dict[int, float]]:
        """Values by arm and seed of what has finished.

        Args:
            metrics: Metrics by the name of a stage, ``seed0/arm/stage``.
            measure: The quantity.
        """
        found: dict[str, dict[int, float]] = {}
        for arm in self.arms:
            if measure.arms and arm not in measure.arms:
                continue
            if measure.shared:
                stages = {self.seeds[0]: measure.stage}
            else:
                stages = {seed: f'seed{seed}/{arm}/{measure.stage}' for seed in self.seeds}
            for seed, stage in stages.items():
                value = metrics.get(stage, {}).get(measure.key)
                if value is not None:
                    found.setdefault(arm, {})[seed] = measure.scale * value
        return found

    def rows(self, metrics: Metrics) -> list[tuple[Measure, dict[str, Estimate],
                                                   dict[str, dict[str, Estimate]]]]:
        """For each measure the estimates of arms, and by reference of what they differ in from it.

        A reference is compared with those before it, not with those after it.
        """
        out = []
        for measure in self.measures:
            values = self.values(metrics, measure)
            means = {arm: estimate(list(of_seed.values())) for arm, of_seed in values.items()}
            differences: dict[str, dict[str, Estimate]] = {}
            for place, reference in enumerate(self.references):
                for arm, of_seed in values.items():
                    found = paired_difference(of_seed, values.get(reference, {}))
                    if arm not in self.references[:place + 1] and found is not None:
                        differences.setdefault(reference, {})[arm] = found
            out.append((measure, means, differences))
        return out

    def cells(self, metrics: Metrics) -> list[tuple[str, list[str]]]:
        """Rows as text; what has not run shows as a dash, what an arm does not have is empty."""
        out = []
        for measure, means, differences in self.rows(metrics):
            if measure.curve is not None:
                continue
            texts = ['' if measure.arms and arm not in measure.arms else
                     means[arm].text(measure.format) if arm in means else '–'
                     for arm in self.arms]
            out.append((measure.label, texts))
            for reference, of_arms in differences.items():
                texts = [_difference(of_arms[arm], means[arm], measure.format)
                         if arm in of_arms else '' for arm in self.arms]
                out.append((f'  minus {reference}', texts))
        return out

    def show(self, metrics: Metrics, console: Console) -> None:
        """Print the table."""
        table = Table(title=self.title)
        table.add_column('')
        for arm in self.arms:
            table.add_column(arm, justify='right')
        for label, texts in self.cells(metrics):
            table.add_row(label, *texts)
        before = console.width
        if not console.is_terminal:  # a file has no edge at which arms would be cut short
            wanted = Measurement.get(console, console.options.update(max_width=1000), table)
            console.width = max(before, wanted.maximum)
        console.print(table)
        console.width = before
        console.print(_LEGEND)

    def save(self, records: Mapping[str, dict], folder: Path) -> None:
        """Write ``results.json``, ``results.md``, ``results.png`` and, of curves,
        ``results-curves.png``.

        ``results.json`` has every value by arm and seed, the estimates, the hours so far, and for
        each finished stage its command, in which ``DIR`` stands for the folder, the hash of its
        config, its metrics, and, where they are known, when it was finished and which runs of other
        stages it read.
        """
        metrics = {name: record['metrics'] for name, record in records.items()}
        stages = {
            name: dict(config_hash=record['config_hash'], seconds=record['seconds'],
                       command=_portable(record, folder),
                       metrics=record['metrics'],
                       **{key: record[key] for key in _RUN if record.get(key)})
            for name, record in records.items()
        }
        content = dict(
            title=self.title, arms=self.arms, seeds=self.seeds, references=self.references,
            hours=round(sum(stage['seconds'] for stage in stages.values()) / 3600, 2),
            measures=[], stages=stages)
        for measure, means, differences in self.rows(metrics):
            content['measures'].append(dict(
                label=measure.label, stage=measure.stage, key=measure.key, curve=measure.curve,
                values=self.values(metrics, measure),
                means={arm: dataclasses.asdict(found) for arm, found in means.items()},
                differences={
                    reference: {arm: dataclasses.asdict(found) for arm, found in of_arms.items()}
                    for reference, of_arms in differences.items()}))
        write_json(content, self.path(folder))
        table = markdown_table(self.arms, self.cells(metrics))
        write_text(f'# {self.title}\n\n{table}\n\n{_LEGEND}\n', folder / f'{self.name}.md')
        panels, texts = {}, {}
        for measure, _, differences in self.rows(metrics):
            values = self.values(metrics, measure)
            if values and measure.in_figure and measure.curve is None:
                panels[measure.label] = values
                texts[measure.label] = {
                    reference: {arm: found.difference(measure.format)
                                for arm, found in of_arms.items()}
                    for reference, of_arms in differences.items()}
        if panels:
            plot_study(panels, self.known_arms, folder / f'{self.name}.png', self.references,
                       texts)
        curves = self.curves(metrics)
        if curves:
            plot_study_curves(curves, self.known_arms, folder / f'{self.name}-curves.png')

    def path(self, folder: Path) -> Path:
        """Where :meth:`save` writes the numbers."""
        return folder / f'{self.name}.json'

    @staticmethod
    def read(path: str | Path) -> dict[str, dict]:
        """The records of finished stages that :meth:`save` wrote, by name.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: It holds no results of a study.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'{path} is no file')
        try:
            return {
                name: dict(config_hash=str(stage['config_hash']), command=str(stage['command']),
                           seconds=float(stage['seconds']), metrics=dict(stage['metrics']),
                           finished=stage.get('finished'), reads=dict(stage.get('reads', {})))
                for name, stage in json.loads(path.read_text())['stages'].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f'{path} is no results.json of a study, with the metrics of each '
                             f'finished stage: {error!r}') from error

    def curves(self, metrics: Metrics) -> dict[str, dict[str, dict[float, dict[int, float]]]]:
        """Values by curve, arm, place and seed."""
        found: dict[str, dict[str, dict[float, dict[int, float]]]] = {}
        for measure in self.measures:
            if measure.curve is None:
                continue
            for arm, of_seed in self.values(metrics, measure).items():
                places = found.setdefault(measure.curve, {}).setdefault(arm, {})
                places[measure.x] = of_seed
        return found


def _portable(record: Mapping[str, Any], folder: Path) -> str:
    """The command of a record, with ``DIR`` for the folder, and for that where it ran."""
    # Checkpoints are named by absolute paths, the rest as the folder is.
    folders = {str(folder.absolute()), str(folder), *record.get('folders', ())}
    names = '|'.join(re.escape(name) for name in sorted(folders, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])({names})(?=[/\s'\"]|$)", 'DIR', record['command'])


def _difference(found: Estimate, of_arm: Estimate, form: str) -> str:
    """A paired difference; how many seeds it is from where that is not all of the arm."""
    text = found.difference(form)
    if found.seeds == of_arm.seeds:
        return text
    return f"{text} ({found.seeds} seed{'s' if found.seeds > 1 else ''})"
