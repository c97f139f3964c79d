"""Finished stages of one study from several machines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..pipeline import Stage
from .study_report import StudyReport

# When a stage was finished that is none of those whose records are there.
_ANOTHER = 'another run'


def merge_records(own: Mapping[str, dict], paths: Sequence[str | Path], stages: Sequence[Stage],
                  seeds: Sequence[int]) -> dict[str, dict]:
    """What is finished here and in the ``results.json`` of others, by name of the stage.

    Results of earlier versions do not tell which runs a stage read: those whose record comes from
    another place than that of a stage they read are marked as of ``another run``.

    Args:
        own: Records of this folder. They count where a file has the same stage, and the first of
            two files.
        paths: The files.
        stages: Stages of the study; others in the files are left out.
        seeds: Seeds of the study.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A file holds no results, none of the study, a seed that the study does not have
            or a stage of another config; or some stages were trained in bfloat16, others not.
    """
    known = {stage.name: stage for stage in stages}
    records, sources = dict(own), dict.fromkeys(own, '')
    for path in paths:
        found = StudyReport.read(path)
        _check_seeds(found, seeds, path)
        found = {name: record for name, record in found.items() if name in known}
        if not found:
            raise ValueError(f'{path} holds no stage of this study')
        for name, record in found.items():
            if record['config_hash'] != known[name].config_hash():
                raise ValueError(f'{path}: stage {name!r} was made with another config, its '
                                 'numbers do not belong to this study')
        records = {**found, **records}
        sources = {**dict.fromkeys(found, str(path)), **sources}
    commands = [record['command'].split() for record in records.values()]
    if len({'--amp' in command for command in commands if 'tools/train.py' in command}) > 1:
        raise ValueError('some stages were trained in bfloat16 (--amp) and others were not: such '
                         'numbers do not belong in one table')
    merged = {}
    for place, stage in enumerate(stages):
        if record := records.get(stage.name):
            others = {name: _ANOTHER for name in stage.reads(stages[:place])
                      if sources.get(name) not in (None, sources[stage.name])}
            merged[stage.name] = dict(record, reads=record.get('reads') or others)
    return merged


def other_runs(records: Mapping[str, dict]) -> dict[str, list[str]]:
    """The stages whose record is of another run than the one that some stages have read.

    Args:
        records: Records by name of the stage, merged from several machines.

    Returns:
        Names of those that read another run, by name of what they read.

    Example:
        >>> other_runs({'f': {'finished': '10:00'}, 'a': {'reads': {'f': '10:00'}},
        ...             'b': {'reads': {'f': '11:00'}}})
        {'f': ['b']}
    """
    found: dict[str, list[str]] = {}
    for name, record in records.items():
        for read, finished in record.get('reads', {}).items():
            if read in records and records[read].get('finished') != finished:
                found.setdefault(read, []).append(name)
    return found


def _check_seeds(names: Mapping[str, dict], seeds: Sequence[int], path: str | Path) -> None:
    found = {int(match[1]) for name in names if (match := re.match(r'seed(\d+)/', name))}
    others = sorted(found - set(seeds))
    if others:
        raise ValueError(f'{path} holds seed {others[0]}, the study has seeds {list(seeds)}: name '
                         'them by --seeds and --first-seed')
