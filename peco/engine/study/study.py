"""Arms and seeds of a study as the stages of one pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ..pipeline import Pipeline, fill, read_spec
from .study_report import Measure, StudyReport

PARTS = ('title', 'work_dir', 'arms', 'seeds', 'reference', 'shared', 'stages', 'measures')


class Study:
    """Run the same stages for every arm and seed, and compare the arms.

    A study file is a Python config with ``title``, ``work_dir``, ``arms`` (names), ``seeds`` (their
    number), ``reference`` (the arm to compare with), ``shared`` (stages that are run once, before),
    ``stages`` (see :class:`peco.engine.pipeline.Stage`; ``arms=[...]`` keeps a stage to some arms)
    and ``measures`` (see :class:`Measure`). In the strings of ``stages``, ``{arm}`` and ``{seed}``
    stand for the arm and the seed, and ``{run}`` for the folder of both, ``seed0/peco``: the last
    checkpoint of the arm's own tokenizer is ``{last:{run}/tokenizer}``.

    Stages run seed by seed, so that what is finished is complete for some seeds. Each is kept as in
    a pipeline.

    Args:
        path: The study file.
        work_dir: Replaces the file's ``work_dir``.
        seeds: Number of seeds; replaces the file's.
        arms: Some of the file's arms; the reference is always among them.
        amp: Train in bfloat16.

    Raises:
        FileNotFoundError: The study file does not exist.
        ValueError: It is no study file, or an arm is unknown.

    Example:
        >>> Study('configs/claim/core.py', seeds=1).run()  # doctest: +SKIP
    """

    def __init__(self, path: str, work_dir: str | None = None, seeds: int | None = None,
                 arms: Sequence[str] | None = None, amp: bool = False) -> None:
        spec = read_spec(path, 'study', PARTS)
        known = list(spec['arms'])
        self._check_arms(arms or (), known, path)
        if spec['reference'] not in known:
            raise ValueError(f"{path}: reference={spec['reference']!r} is none of the arms {known}")
        count = spec['seeds'] if seeds is None else seeds
        if count < 1:
            raise ValueError(f'a study needs one seed at least, got {count}')
        self.arms = [arm for arm in known if not arms or arm in (*arms, spec['reference'])]
        self.seeds = list(range(count))
        measures = [Measure(**measure) for measure in spec['measures']]
        self._check_measures(measures, spec['stages'], path)
        report = StudyReport(spec['title'], self.arms, self.seeds, spec['reference'], measures)
        stages = [dict(stage) for stage in spec['shared']]
        for seed in self.seeds:
            for arm in self.arms:
                stages += self._stages_of(spec['stages'], arm, seed, known, path)
        self.pipeline = Pipeline(
            dict(title=spec['title'], work_dir=spec['work_dir'], stages=stages),
            work_dir=work_dir, amp=amp, report=report)

    @staticmethod
    def _check_arms(arms: Sequence[str], known: Sequence[str], path: str) -> None:
        unknown = [arm for arm in arms if arm not in known]
        if unknown:
            raise ValueError(f'{path} has no arm {", ".join(unknown)}; its arms are '
                             f'{", ".join(known)}')

    @staticmethod
    def _check_measures(measures: Sequence[Measure], stages: Sequence[dict], path: str) -> None:
        names = [stage['name'] for stage in stages]
        for measure in measures:
            if measure.stage not in names:
                raise ValueError(f'{path}: the measure {measure.label!r} names the unknown stage '
                                 f'{measure.stage!r}; the stages are {", ".join(names)}')

    def _stages_of(self, templates: Sequence[dict], arm: str, seed: int, known: Sequence[str],
                   path: str) -> list[dict[str, Any]]:
        run = f'seed{seed}/{arm}'
        out = []
        for template in templates:
            of_arms = template.get('arms', known)
            self._check_arms(of_arms, known, path)
            if arm not in of_arms:
                continue
            stage = {key: value for key, value in template.items() if key != 'arms'}
            stage['name'] = f"{run}/{stage['name']}"
            stage['title'] = f"seed {seed}, {arm}: {stage['title']}"
            # The run's name first: it holds nothing in braces.
            out.append(fill(stage, dict(run=run, arm=arm, seed=str(seed))))
        return out

    @property
    def work_dir(self) -> Path:
        """Folder of the study."""
        return self.pipeline.work_dir

    @property
    def num_finished(self) -> int:
        """Stages that are finished."""
        return sum(self.pipeline.done_file(stage).exists() for stage in self.pipeline.stages)

    @property
    def minutes(self) -> float:
        """Planned length of what is not finished."""
        return sum(stage.minutes for stage in self.pipeline.stages
                   if not self.pipeline.done_file(stage).exists())

    def run(self, until: str | None = None, console: Console | None = None) -> int:
        """Run what is not finished, up to the stage ``until``; return an exit code.

        However it ends, what is finished by then is written down.
        """
        try:
            return self.pipeline.run(until=until, console=console)
        finally:
            if self.num_finished:
                self.save()

    def redo(self, name: str) -> None:
        """Move a stage and those of its arm and seed after it aside; after a shared one, all.

        Raises:
            ValueError: No such stage.
        """
        stages = self.pipeline.stages
        first = self.pipeline.index(name)
        run = name.rpartition('/')[0]
        self.pipeline.set_aside([stage for stage in stages[first:]
                                 if stage.name.startswith(f'{run}/' if run else '')])

    def save(self) -> None:
        """Write ``results.json``, ``results.md`` and ``results.png``."""
        self.pipeline.report.save(self.pipeline.metrics(), self.work_dir)

    def summarize(self, console: Console | None = None) -> None:
        """Print the table of what there is."""
        console = console or Console()
        done, all_stages = self.num_finished, len(self.pipeline.stages)
        console.print(f'{done} of {all_stages} stages are finished under {self.work_dir}')
        self.pipeline.report.show(self.pipeline.metrics(), console)
