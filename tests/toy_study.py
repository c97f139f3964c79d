"""A study of three arms whose stages write down a number each; the tiny form of a real one."""

import json
import math
import os
import subprocess
import sys

from rich.console import Console

from peco.engine.study import Study

TOOL = """
import json, pathlib, sys
folder, value = pathlib.Path(sys.argv[1]), sys.argv[2]
folder.mkdir(parents=True, exist_ok=True)
(folder / 'calls').open('a').write('x')
(folder / 'metrics.json').write_text(json.dumps(dict(score=eval(value))))
(folder / 'out.txt').write_text(value)
"""
STUDY = """
title = 'three arms'
work_dir = 'work'
arms = ['scratch', 'pixel', 'peco']
seeds = 2
references = ['pixel']
shared = [dict(name='network', title='f', run='tool.py', args=['{work_dir}/network', '1'],
               makes='{work_dir}/network/out.txt', minutes=3)]
stages = [
    dict(name='tokens', title='tokenizer', run='tool.py', arms=['pixel', 'peco'], minutes=2,
         args=['{work_dir}/{run}/tokens', 'len("{arm}") + {seed}'],
         makes='{work_dir}/{run}/tokens/out.txt'),
    dict(name='probe', title='probe', run='tool.py', minutes=1,
         args=['{work_dir}/{run}/probe', PROBE]),
]
measures = [
    dict(label='probe (%)', stage='probe', key='score'),
    dict(label='tokens', stage='tokens', key='score', format='.2f', arms=['pixel', 'peco']),
]
"""
PROBE = "'dict(scratch=10, pixel=20, peco=23)[\"{arm}\"] + 5 * {seed}'"


def run(path, **kwargs):
    console = Console(record=True, width=200)
    study = Study(path, **kwargs)
    return study.run(console=console), console.export_text(), study


def scores(folder):
    return json.loads((folder / 'results.json').read_text())['measures'][0]['values']


def run_smoke(path, folder):
    """The study of a file and its results after the tool has run its tiny form on one seed.

    Every stage has finished, and every measure has a number for each of its arms.
    """
    done = subprocess.run(
        [sys.executable, 'tools/reproduce_claim.py', '--study', path, '--smoke', '--seeds', '1',
         '--jobs', '2', '--amp', 'off', '--study-dir', str(folder)],
        env=dict(os.environ, OMP_NUM_THREADS='2'), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    study = Study(path, str(folder), seeds=1, smoke=True)
    assert study.num_finished == len(study.pipeline.stages)
    report = study.pipeline.report
    results = json.loads(report.path(study.work_dir).read_text())
    for measure, found in zip(report.measures, results['measures'], strict=True):
        assert set(found['values']) == set(measure.arms or study.arms), measure.label
        assert all(math.isfinite(of_seed['0']) for of_seed in found['values'].values())
    return study, results
