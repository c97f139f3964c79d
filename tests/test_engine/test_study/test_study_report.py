"""What has finished as numbers, a table and figures."""

import io
import json
import re

import pytest
from PIL import Image
from rich.console import Console

from peco.engine.study import Measure, Study, StudyReport
from tests.toy_study import run


def test_points_of_a_curve_are_drawn_and_not_listed(study_file, tmp_path):
    curve = '''
        measures[0].update(curve='over epochs', x=10)
        measures.append(dict(measures[0], label='probe, later', x=20))
        '''
    code, text, study = run(study_file(extra=curve))
    assert code == 0 and 'probe' not in text[text.index('┏'):] and '7.50' not in text
    found = study.pipeline.report.curves(study.pipeline.ledger.metrics())
    assert found == {'over epochs': {
        arm: dict.fromkeys((10, 20), {0: value, 1: value + 5})
        for arm, value in dict(scratch=10, pixel=20, peco=23).items()}}
    assert min(Image.open(tmp_path / 'work/results-curves.png').size) > 200


def test_a_shared_stage_has_one_value_for_all_seeds(study_file, tmp_path):
    path = study_file(extra="measures.append(dict(label='f', stage='network', key='score', "
                      "shared=True, arms=['peco']))")
    code, text, _ = run(path)
    found = json.loads((tmp_path / 'work/results.json').read_text())['measures'][2]
    assert code == 0 and found['values'] == {'peco': {'0': 1}} and found['differences'] == {}
    assert re.search(r'│ f +│ +│ +│ +1.0 │', text)


def test_commands_of_absolute_and_of_similar_paths(study_file, tmp_path):
    """Checkpoints are absolute; a folder's name may be part of other words."""
    study = Study(study_file(), work_dir='b/c')
    record = dict(config_hash='', seconds=1, metrics={}, command=(
        f'python b/c/tool.py {tmp_path}/b/c/last.pth b/cd x/b/c/d f=b/c/net'))
    study.pipeline.report.save({'network': record}, study.work_dir)
    stages = json.loads((tmp_path / 'b/c/results.json').read_text())['stages']
    assert stages['network']['command'] == 'python DIR/tool.py DIR/last.pth b/cd x/b/c/d f=DIR/net'


def test_an_arm_that_a_measure_is_not_of_has_no_value():
    report = StudyReport('demo', ['pixel', 'peco'], [0], ['pixel'],
                         [Measure('psnr', 'tokens', 'psnr', arms=['peco'])])
    metrics = {f'seed0/{arm}/tokens': {'psnr': 20.} for arm in ('pixel', 'peco')}
    assert report.values(metrics, report.measures[0]) == {'peco': {0: 20.}}


@pytest.mark.parametrize('terminal', [False, True])
def test_a_log_has_the_names_of_all_arms(terminal):
    arms = [f'features-only-{number}' for number in range(8)]
    console = Console(width=80, record=True, force_terminal=terminal, file=io.StringIO())
    StudyReport('demo', arms, [0], [], [Measure('psnr', 'tokens', 'psnr')]).show({}, console)
    text = console.export_text()
    assert all(arm in text for arm in arms) is not terminal
    assert console.width == 80 and (max(map(len, text.splitlines())) <= 80) is terminal


def test_what_the_figure_is_given(study_file, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr('peco.engine.study.study_report.plot_study',
                        lambda *args: drawn.update(zip(('panels', 'arms', 'out', 'references',
                                                        'texts'), args, strict=True)))
    path = study_file(extra="""
        references = ['pixel', 'scratch']
        measures[1].update(in_figure=False)
        """)
    assert run(path)[0] == 0
    values = dict(scratch=10, pixel=20, peco=23)
    assert drawn['panels'] == {
        'probe (%)': {arm: {0: value, 1: value + 5} for arm, value in values.items()}}
    assert drawn['references'] == ['pixel', 'scratch']
    assert drawn['texts'] == {'probe (%)': {
        'pixel': {'scratch': '-10.0 ± 0.0', 'peco': '+3.0 ± 0.0'},
        'scratch': {'peco': '+13.0 ± 0.0'}}}


def test_fractions_show_as_points(study_file):
    code, text, study = run(study_file(extra="measures[0].update(scale=100)"), seeds=1)
    assert code == 0 and '2300.0' in text and '+300.0' in text


def test_a_difference_tells_of_how_many_seeds_it_is():
    report = StudyReport('demo', ['scratch', 'pixel'], [0, 1, 2], ['pixel'],
                         [Measure('top-1', 'probe', 'acc')])
    metrics = {f'seed{seed}/scratch/probe': {'acc': 30. + seed} for seed in range(3)}
    for seeds, note in ((1, ' (1 seed)'), (2, ' (2 seeds)'), (3, '')):
        metrics[f'seed{seeds - 1}/pixel/probe'] = {'acc': 40.}
        difference = report.cells(metrics)[1][1][0]
        assert difference.startswith('-')
        assert difference.endswith(note) and ('seed' in difference) == bool(note)


def test_a_second_reference_is_compared_with_the_first_and_not_the_other_way(study_file):
    file = study_file(extra="references = ['pixel', 'scratch']")
    code, _, study = run(file, seeds=1)
    report = study.pipeline.report
    metrics = {f'seed0/{arm}/probe': {'score': score}
               for arm, score in (('scratch', 10.), ('pixel', 20.), ('peco', 23.))}
    rows = dict(report.cells(metrics))
    assert code == 0 and report.references == ['pixel', 'scratch']
    assert rows['  minus pixel'] == ['-10.0', '', '+3.0']
    assert rows['  minus scratch'] == ['', '', '+13.0']
    alone = Study(file, seeds=1, arms=['peco'])
    assert alone.arms == ['pixel', 'peco'] and alone.pipeline.report.references == ['pixel']


def test_hours_are_the_sum_of_the_stages(tmp_path):
    report = StudyReport('demo', ['pixel'], [0], ['pixel'], [Measure('top-1', 'probe', 'acc')])
    record = dict(config_hash='0', seconds=3600., command='x', metrics=dict(acc=1.))
    report.save({'seed0/pixel/probe': record, 'f': dict(record, seconds=1800.)}, tmp_path)
    assert json.loads((tmp_path / 'results.json').read_text())['hours'] == 1.5
