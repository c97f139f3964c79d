"""Several stages in a row, each finished once."""

from __future__ import annotations

import dataclasses
import json
import shlex
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from rich.console import Console

from peco.utils.json_lines import read_json_lines
from peco.utils.write_json import write_json

from .progress import PipelineProgress
from .report import Report
from .spec import fill, read_spec
from .stage import Stage, config_text
from .stage_lock import stage_lock
from .stage_process import PEAK_MEMORY, StageProcess

LOG_TAIL = 15
# What --amp means, and its value.
_PRECISIONS = {True: ('bfloat16', 'on'), False: ('float32', 'off')}
PARTS = ('title', 'work_dir', 'stages', 'table')


class Pipeline:
    """The stages that a pipeline file lists, run in order; finished ones are kept.

    A stage is finished when its folder holds a ``done.json`` written for the same stage and config,
    from the runs of earlier stages that are there now.
    A training stage that was interrupted goes on from its last checkpoint.

    Args:
        spec: Pipeline file, or what stands in one: a Python config with ``title``, ``work_dir``,
            ``stages`` (see :class:`Stage`), ``table`` (see :class:`Report`) and, optionally,
            ``smoke``: overrides ``{stage name: {cfg option: value}}`` for a run of a minute, and
            ``names``: what words in braces within the stages stand for, so that pipelines can share
            them by ``_base_``.
        work_dir: Replaces the file's ``work_dir``.
        smoke: Apply the ``smoke`` overrides.
        amp: Train in bfloat16.
        report: Shows and saves the metrics instead of the ``table``.

    Raises:
        FileNotFoundError: The pipeline file does not exist.
        ValueError: The file is no pipeline, or a stage is misspelt or named twice.

    Example:
        >>> Pipeline('configs/cifar10/pipeline.py').run()  # doctest: +SKIP
    """

    def __init__(self,
                 spec: str | dict,
                 work_dir: str | None = None,
                 smoke: bool = False,
                 amp: bool = False,
                 report: Report | None = None) -> None:
        path = spec if isinstance(spec, str) else spec['title']
        if isinstance(spec, str):
            spec = read_spec(spec, 'pipeline', PARTS)
        self.title = spec['title']
        self.work_dir = Path(work_dir or spec['work_dir'] + ('-smoke' if smoke else ''))
        self.amp = amp
        self.stages = [
            self._stage(fill(item, spec.get('names', {})), path) for item in spec['stages']]
        names = [stage.name for stage in self.stages]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f'{path}: stage names must differ, found twice: {sorted(twice)}')
        if smoke:
            self._apply_smoke(spec.get('smoke', {}), path)
        self.report = report or Report(
            self.title, spec['table']['rows'], spec['table']['columns'])

    @staticmethod
    def _stage(item: dict, path: str) -> Stage:
        known = {f.name for f in dataclasses.fields(Stage)}
        unknown = set(item) - known
        if unknown:
            raise ValueError(f'{path}: stage {item.get("name")!r} has unknown keys '
                             f'{sorted(unknown)}; known are {sorted(known)}')
        return Stage(**item)

    def _apply_smoke(self, smoke: dict, path: str) -> None:
        by_name = {stage.name: stage for stage in self.stages}
        for name, change in smoke.items():
            if name not in by_name:
                raise ValueError(f'{path}: smoke names the unknown stage {name!r}')
            stage = by_name[name]
            stage.args = list(change.get('args', stage.args))
            stage.cfg_options = {**stage.cfg_options, **change.get('cfg_options', {})}

    def done_file(self, stage: Stage) -> Path:
        """The mark of a finished stage."""
        return stage.folder(self.work_dir) / 'done.json'

    def done(self, stage: Stage, read: Callable[[str], str] = config_text) -> dict | None:
        """What a finished stage left, or None.

        Args:
            stage: The stage.
            read: As in :meth:`Stage.fingerprint`.

        Raises:
            ValueError: The stage was finished, but with another config or from an earlier run of a
                stage that it reads.
        """
        path = self.done_file(stage)
        if not path.exists():
            return None
        record = _read_record(path)
        if record['fingerprint'] != stage.fingerprint(read):
            raise ValueError(
                f'stage {stage.name!r} under {self.work_dir} was made with another config or from '
                f'other folders of images; keep it by naming another folder, or make it again '
                f'by --redo {stage.name}')
        for name, finished in record.get('reads', {}).items():
            if self._finished(name) != finished:
                raise ValueError(
                    f'stage {stage.name!r} under {self.work_dir} was made from another run of '
                    f'{name!r} than is there now; make it again by --redo {stage.name}')
        return record

    def _finished(self, name: str) -> str | None:
        """When the run of a stage was over that is there now; None if there is none."""
        path = self.work_dir / name / 'done.json'
        return _read_record(path)['finished'] if path.exists() else None

    def _read_by(self, stage: Stage) -> dict[str, str | None]:
        """The earlier stages that a stage reads, and when they were finished."""
        earlier = self.stages[:self.stages.index(stage)]
        return {name: self._finished(name) for name in stage.reads(earlier)}

    def check_finished(self, stages: Sequence[Stage]) -> list[Stage]:
        """Return the stages that are left to run, and tell what cannot be gone on with.

        Raises:
            ValueError: See :meth:`done`; or a stage was trained in another precision.
        """
        read, todo = cache(config_text), []
        for stage in stages:
            record = self.done(stage, read)
            if record is None:
                todo.append(stage)
            elif stage.run == 'train' and ('--amp' in record['command'].split()) != self.amp:
                now, before = _PRECISIONS[self.amp], _PRECISIONS[not self.amp]
                raise ValueError(
                    f'stage {stage.name!r} under {self.work_dir} was trained in {before[0]}, the '
                    f'rest would be in {now[0]}: go on with --amp {before[1]}, name another '
                    f'folder, or make it again by --redo {stage.name}')
        return todo

    def examine(self) -> tuple[dict[str, dict], list[str]]:
        """What finished stages left, by name, and the names of those that do not count.

        Those were made with another config, or from another run of what they read, or read such a
        one.
        """
        read, records, stale = cache(config_text), {}, []
        for place, stage in enumerate(self.stages):
            try:
                record = self.done(stage, read)
            except ValueError:
                stale.append(stage.name)
                continue
            if record is None:
                continue
            if set(stale).intersection(stage.reads(self.stages[:place])):
                stale.append(stage.name)
            else:
                records[stage.name] = record
        return records, stale

    def records(self) -> dict[str, dict]:
        """What those finished stages left that count, by name."""
        return self.examine()[0]

    def metrics(self) -> dict[str, dict]:
        """Metrics of those finished stages that count, by name."""
        return {name: record['metrics'] for name, record in self.records().items()}

    def redo(self, name: str) -> None:
        """Forget that a stage and those after it are finished; move their folders aside.

        Raises:
            ValueError: No such stage.
        """
        self.set_aside(self.stages[self.index(name):])

    def set_aside(self, stages: Sequence[Stage]) -> None:
        """Move the folders of stages aside, so that they run again."""
        self.set_folders_aside([stage.folder(self.work_dir) for stage in stages])

    @staticmethod
    def set_folders_aside(folders: Sequence[Path]) -> None:
        """The same, of folders."""
        for folder in folders:
            if folder.exists():
                aside = folder.with_name(f'{folder.name}.{time.strftime("%Y%m%d-%H%M%S")}')
                while aside.exists():  # moved twice within a second
                    aside = aside.with_name(f'{aside.name}-again')
                folder.rename(aside)

    def index(self, name: str) -> int:
        """Place of a stage among the stages.

        Raises:
            ValueError: No such stage.
        """
        names = [stage.name for stage in self.stages]
        if name not in names:
            raise ValueError(f'no stage {name!r}; the stages are {", ".join(names)}')
        return names.index(name)

    def run(self, until: str | None = None, console: Console | None = None) -> int:
        """Run what is not finished, up to the stage ``until``; return an exit code."""
        console = console or Console()
        end = len(self.stages) if until is None else self.index(until) + 1
        code = self.run_stages(self.stages[:end], console)
        if code:
            return code
        if end == len(self.stages):
            self.report.show(self.metrics(), console)
        self.report.save(self.records(), self.work_dir)
        return 0

    def run_stages(self, stages: Sequence[Stage], console: Console) -> int:
        """Run what is not finished of some stages; return an exit code."""
        todo = self.check_finished(stages)
        console.print(f'{self.title}: {len(stages) - len(todo)} of {len(stages)} stages finished, '
                      f'{len(todo)} to run under {self.work_dir}')
        with PipelineProgress(todo, console) as progress:
            for stage in todo:
                progress.begin(stage, self.stages.index(stage) + 1, len(self.stages))
                with stage_lock(self.work_dir, stage.name):
                    code = self._run_stage(stage, progress, console)
                if code:
                    return code
        return 0

    def _begin(self, stage: Stage, console: Console) -> dict:
        """Make the stage's folder; what began otherwise does not go on.

        Returns:
            What begins: hashes, precision, the stages that it reads, and the seconds that earlier
            attempts have taken.
        """
        folder = stage.folder(self.work_dir)
        path, log = folder / 'begun.json', folder / 'stage.log'
        begun = dict(fingerprint=stage.fingerprint(), config_hash=stage.config_hash(),
                     amp=self.amp, reads=self._read_by(stage), seconds=0.)
        if path.exists():
            # Earlier versions did not tell what a stage reads.
            before = {'reads': begun['reads'], **json.loads(path.read_text())}
            if any(before.get(key) != begun[key] for key in ('fingerprint', 'amp', 'reads')):
                console.print(f'{stage.name} was begun with another config or precision, or from '
                              'another run of what it reads: it begins anew, what there was is '
                              'moved aside')
                self.set_aside([stage])
            else:
                # A run that was killed tells by its last line how long it lived.
                lived = log.stat().st_mtime - path.stat().st_mtime if log.exists() else 0.
                begun['seconds'] = round(before.get('seconds', 0.) + max(0., lived), 1)
        write_json(begun, path)
        return begun

    def _run_stage(self, stage: Stage, progress: PipelineProgress, console: Console) -> int:
        folder = stage.folder(self.work_dir)
        begun = self._begin(stage, console)
        argv = stage.argv(self.work_dir, amp=self.amp)
        log = folder / 'stage.log'
        tail: list[str] = []

        peak_mib = 0.

        def on_line(line: str) -> None:
            nonlocal peak_mib
            if line.startswith(PEAK_MEMORY):
                peak_mib = float(line.removeprefix(PEAK_MEMORY).split()[0])
                return
            tail.append(line)
            del tail[:-LOG_TAIL]
            progress.line(line)

        start = time.time()
        code = StageProcess(argv, log).run(on_line)
        makes = resolve_makes(stage, self.work_dir)
        if code == 0 and makes is not None and not makes.exists():
            tail.append(f'{makes} was not written')
            code = 1
        if code:
            console.print(f'stage {stage.name!r} failed (exit code {code}). The command was\n'
                          f'  python {shlex.join(argv)}\nIts last lines (all of them in {log}):')
            console.print('\n'.join(tail), markup=False, highlight=False)
            return code if code > 0 else 1
        record = dict(
            # A config may have been edited since.
            fingerprint=begun['fingerprint'],
            config_hash=begun['config_hash'],
            reads=begun['reads'],
            finished=datetime.now().isoformat(),
            command=shlex.join(['python', *argv]),
            seconds=round(begun['seconds'] + time.time() - start, 1),
            metrics=dict(collect_metrics(folder), peak_mib=peak_mib))
        write_json(record, self.done_file(stage))
        shown = collect_metrics(folder) if stage.run == 'test' else {}
        progress.end('  '.join(f'{k} {v:.4g}' for k, v in shown.items()))
        return 0


def _read_record(path: Path) -> dict:
    record = json.loads(path.read_text())
    # Records of earlier versions have one hash for both, and no time.
    record.setdefault('config_hash', record['fingerprint'])
    record.setdefault('finished', None)
    return record


def resolve_makes(stage: Stage, work_dir: Path) -> Path | None:
    """The file that the stage promises, or None."""
    return None if stage.makes is None else Path(stage.makes.replace('{work_dir}', str(work_dir)))


def collect_metrics(folder: Path) -> dict[str, float]:
    """Metrics of a stage: those of ``metrics.json``, else the last of each logged scalar."""
    path = folder / 'metrics.json'
    if path.exists():
        found = json.loads(path.read_text())
    else:
        found = {}
        for scalars in sorted(folder.glob('*/vis_data/scalars.json')):
            for record in read_json_lines(scalars):
                found.update(record)
    return {k: float(v) for k, v in found.items() if isinstance(v, (int, float))}
