"""What is finished, and whether it counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from peco.utils.write_json import write_json

from .stage import Stage, config_text

# What --amp means, and its value.
_PRECISIONS = {True: ('bfloat16', 'on'), False: ('float32', 'off')}


class Ledger:
    """The ``done.json`` of each finished stage in a pipeline's folder.

    A record counts if it was written for the same stage and config, from the runs of earlier stages
    that are there now.

    Args:
        work_dir: Folder of the pipeline.
        stages: All its stages, in order.
        amp: Whether it trains in bfloat16.

    Example:
        >>> Ledger(Path('work_dirs/none'), [Stage('a', 'one', run='tool.py')], amp=False).records()
        {}
    """

    def __init__(self, work_dir: Path, stages: Sequence[Stage], amp: bool) -> None:
        self.work_dir = work_dir
        self.stages = stages
        self.amp = amp

    def path(self, stage: Stage) -> Path:
        """The mark of a finished stage."""
        return stage.folder(self.work_dir) / 'done.json'

    def write(self, stage: Stage, record: dict) -> None:
        """Mark a stage as finished now."""
        write_json(dict(record, finished=datetime.now().isoformat()), self.path(stage))

    def done(self, stage: Stage, read: Callable[[str], str] = config_text) -> dict | None:
        """What a finished stage left, or None.

        Args:
            stage: The stage.
            read: As in :meth:`Stage.fingerprint`.

        Raises:
            ValueError: The stage was finished, but with another config or from an earlier run of a
                stage that it reads.
        """
        path = self.path(stage)
        if not path.exists():
            return None
        record = _read_record(path)
        # The config of one whose packages have gone cannot be read.
        if not stage.lacks() and record['fingerprint'] != stage.fingerprint(read):
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

    def left(self, stages: Sequence[Stage]) -> list[Stage]:
        """Return the stages that are left to run, and tell what cannot be gone on with.

        Raises:
            ValueError: See :meth:`done`; or a stage was trained in another precision, or the
                config of one that is left cannot be read.
        """
        read, todo, others = cache(config_text), [], []
        for stage in stages:
            record = self.done(stage, read)
            if record is None:
                # A config that cannot be read is told now, not when its turn comes.
                stage.fingerprint(read)
                todo.append(stage)
            elif stage.run == 'train' and ('--amp' in record['command'].split()) != self.amp:
                others.append(stage.name)
        if others and any(stage.run == 'train' for stage in todo):
            now, before = _PRECISIONS[self.amp], _PRECISIONS[not self.amp]
            raise ValueError(
                f'stage {others[0]!r} under {self.work_dir} was trained in {before[0]}, the rest '
                f'would be in {now[0]}: go on with --amp {before[1]}, name another folder, or make '
                f'it again by --redo {others[0]}')
        return todo

    def examine(self) -> tuple[dict[str, dict], list[str]]:
        """What finished stages left, by name, and the names of those that do not count.

        What reads one that does not count does not count either.
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

    def read_by(self, stage: Stage) -> dict[str, str | None]:
        """The earlier stages that a stage reads, and when they were finished."""
        earlier = self.stages[:self.stages.index(stage)]
        return {name: self._finished(name) for name in stage.reads(earlier)}

    def _finished(self, name: str) -> str | None:
        """When the run of a stage was over that is there now; None if there is none."""
        path = self.work_dir / name / 'done.json'
        return _read_record(path)['finished'] if path.exists() else None


def left_out(stale: Sequence[str]) -> str:
    """The line that tells of stages that do not count."""
    return (f'Left out: {len(stale)} stages that were made with another config, or from another '
            f"run of what they read: {', '.join(stale)}")


def _read_record(path: Path) -> dict:
    record = json.loads(path.read_text())
    # Records of earlier versions have one hash for both, and no time.
    record.setdefault('config_hash', record['fingerprint'])
    record.setdefault('finished', None)
    return record
