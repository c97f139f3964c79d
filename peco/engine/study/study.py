"""Arms and seeds of a study as the stages of one pipeline."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from ..pipeline import Pipeline, Stage, fill, read_spec
from ..pipeline.exit_on_sigterm import exit_on_sigterm
from ..pipeline.ledger import left_out
from .merge_records import merge_records, other_runs
from .pace import step_seconds
from .side_by_side import run_side_by_side
from .study_report import Measure, StudyReport

PARTS = ('title', 'work_dir', 'arms', 'seeds', 'references', 'shared', 'stages', 'measures')


class Study:
    """Run the same stages for every arm and seed, and compare the arms.

    A study file is a Python config with ``title``, ``work_dir``, ``arms`` (names), ``seeds`` (their
    number), ``references`` (arms to compare with; the first is always run), ``shared`` (stages that
    are run once, before), ``stages`` (see :class:`peco.engine.pipeline.Stage`; ``arms=[...]`` keeps
    a stage to some arms) and ``measures`` (see :class:`Measure`). In the strings of ``stages``,
    ``{arm}`` and ``{seed}`` stand for the arm and the seed, and ``{run}`` for the folder of both,
    ``seed0/peco``: the last checkpoint of the arm's own tokenizer is ``{last:{run}/tokenizer}``.
    Optional parts are ``names``, what further words in braces stand for in each arm,
    ``{arm: {word: text}}``; ``known_arms``, for a file that runs some of the arms that its stages
    name; ``report``, the name of what is written, for files that share a folder; ``step_seconds``,
    what :func:`step_seconds` took with one thread on the machine where the stages took their
    minutes, with one thread; and ``smoke``,
    overrides for a run of minutes, ``{name of a stage: {cfg option: value}}``.

    Stages run seed by seed, so that what is finished is complete for some seeds. Each is kept as in
    a pipeline. With ``jobs`` several arms and seeds run at a time: small models use two cores
    better that way.

    Args:
        path: The study file.
        work_dir: Replaces the file's ``work_dir``.
        seeds: Number of seeds; replaces the file's.
        first_seed: The first of them, to share seeds out among machines.
        arms: Some of the file's arms; the first reference is always among them.
        amp: Train in bfloat16.
        smoke: Apply the ``smoke`` overrides, in a folder of its own (``…-smoke``).
        jobs: Arms and seeds that run at a time. They share the threads.

    Raises:
        FileNotFoundError: The study file does not exist.
        ValueError: It is no study file, or an arm is unknown.

    Example:
        >>> Study('configs/claim/core.py', seeds=1).run()  # doctest: +SKIP
    """

    def __init__(self, path: str, work_dir: str | None = None, seeds: int | None = None,
                 arms: Sequence[str] | None = None, amp: bool = False,
                 smoke: bool = False, jobs: int = 1, first_seed: int = 0) -> None:
        spec = read_spec(path, 'study', PARTS)
        of_file = list(spec['arms'])
        self._known = list(spec.get('known_arms', of_file))
        self._names = spec.get('names', {})
        self._check_arms((*of_file, *self._names), self._known, path)
        self._check_arms(arms or (), of_file, path)
        references = list(spec['references'])
        unknown = [arm for arm in references if arm not in of_file]
        if unknown or not references:
            raise ValueError(f'{path}: references={references!r} must name some of the arms '
                             f'{of_file}')
        count = spec['seeds'] if seeds is None else seeds
        if count < 1:
            raise ValueError(f'a study needs one seed at least, got {count}')
        if first_seed < 0:
            raise ValueError(f'seeds begin at 0, got {first_seed} as the first')
        self.arms = [arm for arm in of_file if not arms or arm in (*arms, references[0])]
        self.seeds = list(range(first_seed, first_seed + count))
        measures = self._measures(spec, path)
        report = StudyReport(spec['title'], self.arms, self.seeds,
                             [arm for arm in references if arm in self.arms], measures,
                             spec.get('report', 'results'), self._known)
        templates = dict(shared=spec['shared'], stages=spec['stages'])
        if smoke:
            templates = self._smoke(templates, spec.get('smoke', {}), path)
        stages = list(templates['shared'])
        for seed in self.seeds:
            for arm in self.arms:
                stages += self._stages_of(templates['stages'], arm, seed, path)
        if jobs < 1:
            raise ValueError(f'jobs must be at least 1, got {jobs}')
        self.jobs = jobs
        self._planned_step = spec.get('step_seconds')
        self._num_shared = len(templates['shared'])
        folder = (work_dir or spec['work_dir']) + ('-smoke' if smoke else '')
        self.pipeline = Pipeline(
            dict(title=spec['title'], work_dir=folder, stages=stages), amp=amp, report=report)

    @staticmethod
    def _check_arms(arms: Sequence[str], known: Sequence[str], path: str) -> None:
        unknown = [arm for arm in arms if arm not in known]
        if unknown:
            raise ValueError(f'{path} has no arm {", ".join(unknown)}; its arms are '
                             f'{", ".join(known)}')

    def _measures(self, spec: dict, path: str) -> list[Measure]:
        known = {part.name for part in dataclasses.fields(Measure)}
        for item in spec['measures']:
            if unknown := sorted(set(item) - known):
                raise ValueError(f'{path}: the measure {item.get("label")!r} has unknown keys '
                                 f'{unknown}; known are {sorted(known)}')
        measures = [Measure(**item) for item in spec['measures']]
        for measure in measures:
            self._check_arms(measure.arms, self._known, path)
            if measure.shared and not measure.arms:
                raise ValueError(f'{path}: the measure {measure.label!r} is of a shared stage and '
                                 'must name the arms that it stands under')
            names = [stage['name'] for stage in spec['shared' if measure.shared else 'stages']]
            if measure.stage not in names:
                raise ValueError(f'{path}: the measure {measure.label!r} names the unknown stage '
                                 f'{measure.stage!r}; the stages are {", ".join(names)}')
        return measures

    @staticmethod
    def _smoke(templates: dict[str, Sequence[dict]], smoke: dict[str, dict],
               path: str) -> dict[str, Sequence[dict]]:
        """The stages with the options of their smoke run."""
        names = {stage['name'] for stages in templates.values() for stage in stages}
        unknown = sorted(set(smoke) - names)
        if unknown:
            raise ValueError(f'{path}: smoke names the unknown stage {unknown[0]!r}')
        return {part: [dict(stage, cfg_options={**stage.get('cfg_options', {}),
                                                **smoke.get(stage['name'], {})})
                       for stage in stages] for part, stages in templates.items()}

    def _stages_of(self, templates: Sequence[dict], arm: str, seed: int,
                   path: str) -> list[dict[str, Any]]:
        run = f'seed{seed}/{arm}'
        out = []
        for template in templates:
            of_arms = template.get('arms', self._known)
            self._check_arms(of_arms, self._known, path)
            if arm not in of_arms:
                continue
            stage = {key: value for key, value in template.items() if key != 'arms'}
            stage['name'] = f"{run}/{stage['name']}"
            stage['title'] = f"seed {seed}, {arm}: {stage['title']}"
            # The arm's own words first: they may hold the others.
            out.append(fill(stage, dict(
                {word: str(text) for word, text in self._names.get(arm, {}).items()},
                run=run, arm=arm, seed=str(seed))))
        return out

    @property
    def work_dir(self) -> Path:
        """Folder of the study."""
        return self.pipeline.work_dir

    @property
    def _threads(self) -> int:
        """Threads of a stage."""
        return max(1, torch.get_num_threads() // self.jobs)

    @property
    def num_finished(self) -> int:
        """Stages that are finished."""
        return sum(self.pipeline.ledger.path(stage).exists() for stage in self.pipeline.stages)

    @property
    def minutes(self) -> float:
        """Planned length of what is not finished, one stage at a time."""
        return sum(stage.minutes for stage in self.pipeline.stages
                   if not self.pipeline.ledger.path(stage).exists())

    def estimate(self) -> tuple[float, float | None]:
        """Measure this machine; how long will the rest take?

        Returns:
            Hours, and how many times slower than planned this machine is; None if the study does
            not know its plan's machine.
        """
        if self._planned_step is None:
            return self.minutes / self.jobs / 60, None
        pace = step_seconds(self.pipeline.amp, self._threads) / self._planned_step
        return self.minutes * pace / self.jobs / 60, pace

    def run(self, until: str | None = None, console: Console | None = None) -> int:
        """Run what is not finished, up to the stage ``until``; return an exit code.

        However it ends, what is finished by then is written down.
        """
        console = console or Console()
        end = len(self.pipeline.stages) if until is None else self.pipeline.index(until) + 1
        # Told before hours of work, and before anything is written.
        self.pipeline.ledger.left(
            [stage for stage in self.pipeline.stages[:end] if not stage.lacks()])
        with exit_on_sigterm():
            try:
                if self.jobs > 1 and until is None:
                    return self._run_side_by_side(console)
                return self.pipeline.run(until=until, console=console)
            finally:
                if self.num_finished:
                    self.save()

    def _run_side_by_side(self, console: Console) -> int:
        """First what all share, then ``jobs`` arms and seeds at a time."""
        shared = self.pipeline.stages[:self._num_shared]
        # With all threads, so that their pace tells nothing of the rest.
        code = self.pipeline.run_stages(shared, console, 'of what all arms share')
        if code:
            return code
        chains: dict[str, list[Stage]] = {}
        for stage in self.pipeline.stages[self._num_shared:]:
            chains.setdefault(_run_of(stage.name), []).append(stage)
        rest = partial(self._rest, time.time(), self.minutes)

        def run_chain(stages: list[Stage], place: int) -> int:
            torch.set_num_threads(self._threads)
            _take_gpu(place)
            own = Console(width=console.width, force_terminal=False)
            try:
                return self.pipeline.run_stages(stages, own, f'of {_run_of(stages[0].name)}', rest)
            except (FileNotFoundError, ValueError) as error:
                own.print(f'error: {error}', markup=False, highlight=False)
                return 2

        def on_end(name: str, code: int) -> None:
            left = rest()
            console.print(f'{name} {"failed" if code else "is finished"}{left and f": {left}"}')

        codes = run_side_by_side({name: partial(run_chain, stages)
                                  for name, stages in chains.items()}, self.jobs, on_end)
        self.pipeline.report.show(self.pipeline.ledger.metrics(), console)
        return next((code for code in codes.values() if code), 0)

    def _rest(self, start: float, planned: float) -> str:
        """What is left of the whole, at the pace since ``start``, when ``planned`` minutes were.

        Args:
            start: Seconds, as of ``time.time``.
            planned: Minutes of the plan that were left then.
        """
        left, minutes = self.minutes, (time.time() - start) / 60
        if left >= planned:
            return ''
        return f'about {left * minutes / (planned - left):.0f} min left in all'

    def redo(self, name: str) -> list[str]:
        """Move a stage and those of its arm and seed after it aside; after a shared one, all.

        Stages of other study files that share the folder go with them.

        Returns:
            Names of the stages that were moved.

        Raises:
            ValueError: No such stage, or another process runs one of them.
        """
        stages = self.pipeline.stages
        first = self.pipeline.index(name)
        scope = self.work_dir if first < self._num_shared else self.work_dir / _run_of(name)
        kept = {stage.folder(self.work_dir) for stage in stages[:first]}
        found = {path.parent for mark in ('begun.json', 'done.json') for path in scope.rglob(mark)}
        return self.pipeline.set_aside([str(folder.relative_to(self.work_dir))
                                        for folder in sorted(found - kept)
                                        if not _is_aside(folder)])

    def merge(self, paths: Sequence[str | Path], console: Console | None = None) -> None:
        """Write and print what is finished here and on other machines; nothing is run.

        Args:
            paths: ``results.json`` of the others; see :func:`merge_records`.
            console: Where the table goes.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It does not belong to this study, or is what this study writes.
        """
        written = self.pipeline.report.path(self.work_dir).resolve()
        for path in paths:
            if Path(path).resolve() == written:
                raise ValueError(f'{path} is what this study writes: name a copy that lies '
                                 'elsewhere, or another --study-dir')
        own = {stage.name: record for stage in self.pipeline.stages
               if (record := self.pipeline.ledger.done(stage)) is not None}
        records = merge_records(own, paths, self.pipeline.stages, self.seeds)
        self.pipeline.report.save(records, self.work_dir)
        console = console or Console()
        self._show(records, console)
        for name, readers in other_runs(records).items():
            more = f' and {len(readers) - 1} more' if len(readers) > 1 else ''
            console.print(f'{name}: the record is not of the run that {readers[0]}{more} read',
                          markup=False, highlight=False)

    def save(self) -> None:
        """Write what there is; see :meth:`StudyReport.save`."""
        self.pipeline.report.save(self.pipeline.ledger.records(), self.work_dir)

    def summarize(self, console: Console | None = None) -> None:
        """Print the table of what there is."""
        console = console or Console()
        records, stale = self.pipeline.ledger.examine()
        self._show(records, console)
        if stale:
            console.print(left_out(stale))

    def _show(self, records: Mapping[str, dict], console: Console) -> None:
        console.print(f'{len(records)} of {len(self.pipeline.stages)} stages are finished; '
                      f'the folder is {self.work_dir}')
        metrics = {name: record['metrics'] for name, record in records.items()}
        self.pipeline.report.show(metrics, console)


def _run_of(name: str) -> str:
    """Seed and arm of one of their stages."""
    return '/'.join(name.split('/')[:2])


def _take_gpu(place: int) -> None:
    """Let this process, a fork in which CUDA has not started, see one of several GPUs alone."""
    gpus = torch.cuda.device_count()
    if gpus > 1:
        visible = os.environ.get('CUDA_VISIBLE_DEVICES') or ','.join(map(str, range(gpus)))
        os.environ['CUDA_VISIBLE_DEVICES'] = visible.split(',')[place % gpus]


def _is_aside(folder: Path) -> bool:
    """Whether a folder is one that was moved aside."""
    return re.search(r'\.\d{8}-\d{6}(-again)*$', folder.name) is not None
