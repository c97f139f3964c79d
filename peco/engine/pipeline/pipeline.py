"""Several stages in a row, each finished once."""

from __future__ import annotations

import dataclasses
import json
import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from peco.utils.json_lines import read_json_lines
from peco.utils.write_json import write_json

from .ledger import Ledger, left_out
from .progress import PipelineProgress
from .report import Report
from .spec import fill, read_spec
from .stage import Stage
from .stage_lock import stage_lock
from .stage_process import PEAK_MEMORY, StageProcess

LOG_TAIL = 15
PARTS = ('title', 'work_dir', 'stages', 'table')


class Pipeline:
    """The stages that a pipeline file lists, run in order; finished ones are kept.

    What is finished stands in a :class:`Ledger`. A training stage that was interrupted goes on from
    its last checkpoint.

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
            spec = read_spec(spec, 'pipeline', PARTS,
                             {'arms': 'python tools/reproduce_claim.py --study'})
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
        self._check_words(path)
        #: What is finished.
        self.ledger = Ledger(self.work_dir, self.stages, amp)
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

    def _check_words(self, path: str) -> None:
        """Refuse words in braces that nothing will fill."""
        names = [stage.name for stage in self.stages]
        for stage in self.stages:
            for word in stage.words():
                kind, _, name = word.partition(':')
                if word != 'work_dir' and (kind != 'last' or name not in names):
                    raise ValueError(f'{path}: stage {stage.name!r} has {{{word}}}, which nothing '
                                     f'fills: known are work_dir and last:STAGE of {names}')

    def redo(self, name: str) -> list[str]:
        """Forget that a stage and those after it are finished; move their folders aside.

        Returns:
            Names of the stages whose folders were moved.

        Raises:
            ValueError: No such stage, or another process runs one of them.
        """
        return self.set_aside([stage.name for stage in self.stages[self.index(name):]])

    def set_aside(self, names: Sequence[str]) -> list[str]:
        """Move the folders of stages aside, so that they run again.

        Returns:
            Names of the stages whose folders were moved.

        Raises:
            ValueError: One of them is being run by another process; all stay where they are.
        """
        with ExitStack() as locks:
            for name in names:
                locks.enter_context(stage_lock(self.work_dir, name))
            found = [name for name in names if (self.work_dir / name).exists()]
            for name in found:
                _move_aside(self.work_dir / name)
        return found

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
        records, stale = self.ledger.examine()
        if end == len(self.stages):
            self.report.show({name: record['metrics'] for name, record in records.items()}, console)
        self.report.save(records, self.work_dir)
        if stale:
            console.print(left_out(stale))
        if lacking := [stage for stage in self.stages[:end] if stage.lacks()]:
            console.print(_not_installed(lacking))
        return 0

    def run_stages(self, stages: Sequence[Stage], console: Console, scope: str = 'in all',
                   rest: Callable[[], str] | None = None) -> int:
        """Run what is not finished of some stages; return an exit code.

        Args:
            stages: The stages.
            console: Where to write.
            scope: See :class:`PipelineProgress`.
            rest: As well.
        """
        stages = [stage for stage in stages if not stage.lacks()]
        todo = self.ledger.left(stages)
        console.print(f'{self.title}: {len(stages) - len(todo)} of {len(stages)} stages finished, '
                      f'{len(todo)} to run under {self.work_dir}')
        with PipelineProgress(todo, console, scope, rest) as progress:
            for stage in todo:
                progress.begin(stage, self.stages.index(stage) + 1, len(self.stages))
                with stage_lock(self.work_dir, stage.name):
                    if self.ledger.done(stage) is not None:
                        progress.end('another process has finished it')
                        continue
                    code = self._run_stage(stage, progress, console)
                if code:
                    return code
        return 0

    def _begin(self, stage: Stage, console: Console) -> dict:
        """Make the stage's folder; what began otherwise does not go on.

        Returns:
            What begins: hashes, precision, the stages that it reads, and the seconds that earlier
            attempts have taken.

        Raises:
            ValueError: What began otherwise has a checkpoint already, which may be days of work.
        """
        folder = stage.folder(self.work_dir)
        path, log = folder / 'begun.json', folder / 'stage.log'
        begun = dict(fingerprint=stage.fingerprint(), config_hash=stage.config_hash(),
                     amp=self.amp, reads=self.ledger.read_by(stage), seconds=0.)
        if path.exists():
            # Earlier versions did not tell what a stage reads.
            before = {'reads': begun['reads'], **json.loads(path.read_text())}
            if any(before.get(key) != begun[key] for key in ('fingerprint', 'amp', 'reads')):
                told = (f'{stage.name} was begun with another config or precision, or from '
                        'another run of what it reads')
                if (folder / 'last_checkpoint').exists():
                    precision = '' if before.get('amp') == begun['amp'] else (
                        f' (--amp {"on" if before.get("amp") else "off"})')
                    raise ValueError(
                        f'{told}, and has a checkpoint under {folder}: go on as it was begun'
                        f'{precision}, or make it again by --redo {stage.name}')
                console.print(f'{told}: it begins anew, what there was is moved aside',
                              markup=False, highlight=False)
                _move_aside(folder)
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
            # One line that can be copied, whatever it holds.
            console.print(f'stage {stage.name!r} failed (exit code {code}). The command was\n'
                          f'  python {shlex.join(argv)}\nIts last lines (all of them in {log}):',
                          markup=False, highlight=False, soft_wrap=True)
            console.print('\n'.join(tail), markup=False, highlight=False)
            return code if code > 0 else 1
        record = dict(
            # A config may have been edited since.
            fingerprint=begun['fingerprint'],
            config_hash=begun['config_hash'],
            reads=begun['reads'],
            command=shlex.join(['python', *argv]),
            folders=[str(self.work_dir), str(self.work_dir.absolute())],
            seconds=round(begun['seconds'] + time.time() - start, 1),
            metrics=dict(collect_metrics(folder), peak_mib=peak_mib))
        self.ledger.write(stage, record)
        shown = collect_metrics(folder) if stage.run == 'test' else {}
        progress.end('  '.join(f'{k} {v:.4g}' for k, v in shown.items()))
        return 0


def _not_installed(stages: Sequence[Stage]) -> str:
    names = ', '.join(stage.name for stage in stages)
    packages = ', '.join(sorted({name for stage in stages for name in stage.lacks()}))
    return (f'Left out: {names}, because {packages} is not installed; for these stages set up '
            'everything (bash tools/setup_env.sh --full) and run the same command again')


def _move_aside(folder: Path) -> None:
    if folder.exists():
        aside = folder.with_name(f'{folder.name}.{time.strftime("%Y%m%d-%H%M%S")}')
        while aside.exists():  # moved twice within a second
            aside = aside.with_name(f'{aside.name}-again')
        folder.rename(aside)


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
