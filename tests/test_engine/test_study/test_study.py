"""Arms and seeds become stages; what is finished is kept, compared and drawn."""

import json
import re
import textwrap

import pytest
from PIL import Image
from rich.console import Console

from peco.engine.study import Measure, Study, StudyReport
from tests.toy_configs import run_tool

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


@pytest.fixture
def study_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tool.py').write_text(TOOL)

    def write(probe=PROBE, extra=''):
        (tmp_path / 'study.py').write_text(STUDY.replace('PROBE', probe) + textwrap.dedent(extra))
        return 'study.py'
    return write


def run(path, **kwargs):
    console = Console(record=True, width=200)
    study = Study(path, **kwargs)
    return study.run(console=console), console.export_text(), study


def test_every_arm_and_seed_runs_once_and_arms_are_compared_by_seed(study_file, tmp_path):
    code, text, study = run(study_file())
    assert code == 0 and study.num_finished == 1 + 2 * (2 * 2 + 1)
    names = [stage.name for stage in study.pipeline.stages]
    assert names[:4] == ['network', 'seed0/scratch/probe', 'seed0/pixel/tokens',
                         'seed0/pixel/probe']
    assert 'seed0/scratch/tokens' not in names
    results = json.loads((tmp_path / 'work/results.json').read_text())
    probe, tokens = results['measures']
    assert probe['values']['peco'] == {'0': 23, '1': 28}
    (reference, minus), = probe['differences'].items()
    assert reference == 'pixel' and set(minus) == {'scratch', 'peco'}
    assert minus['peco'] == dict(mean=3., half_width=0., seeds=2)
    assert minus['scratch']['mean'] == -10
    assert tokens['means']['peco']['mean'] == 4.5 and 'scratch' not in tokens['means']
    assert set(results['stages']) == set(names)
    assert all(len(stage['config_hash']) == 16 for stage in results['stages'].values())
    assert '22.5 ± 31.8' in text and '+3.0 ± 0.0' in text
    table = (tmp_path / 'work/results.md').read_text()
    assert '| minus pixel |' in table.replace('|   minus', '| minus')
    assert min(Image.open(tmp_path / 'work/results.png').size) > 100
    assert run('study.py')[0] == 0
    assert {path.read_text() for path in tmp_path.rglob('calls')} == {'x'}


def test_what_is_finished_is_written_down_when_a_stage_fails(study_file, tmp_path):
    code, text, study = run(study_file("'1 / {seed}'"), work_dir='other')
    assert code == 1 and "'seed0/scratch/probe' failed" in text
    results = json.loads((tmp_path / 'other/results.json').read_text())
    assert list(results['stages']) == ['network'] and results['measures'][0]['values'] == {}
    study.summarize(console := Console(record=True, width=200))
    assert '1 of 11 stages' in (summary := console.export_text()) and '–' in summary


def test_a_stage_is_made_again_with_what_follows_in_its_arm_and_seed(study_file, tmp_path):
    _, _, study = run(study_file())
    study.redo('seed0/peco/tokens')
    left = {stage.name for stage in study.pipeline.stages
            if not study.pipeline.ledger.path(stage).exists()}
    assert left == {'seed0/peco/tokens', 'seed0/peco/probe'}
    assert run('study.py')[0] == 0
    study.redo('network')
    assert study.num_finished == 0
    with pytest.raises(ValueError, match="no stage 'seed9/peco/probe'"):
        study.redo('seed9/peco/probe')


def test_several_arms_at_a_time_give_the_same(study_file, tmp_path):
    assert run(study_file(), work_dir='one')[0] == 0
    code, text, study = run('study.py', work_dir='two', jobs=2)
    assert code == 0 and 'seed1/peco is finished' in text and 'min left in all' in text
    one, two = (json.loads((tmp_path / name / 'results.json').read_text())
                for name in ('one', 'two'))
    assert one['measures'] == two['measures']
    assert set(one['stages']) == set(two['stages'])
    assert run('study.py', work_dir='two', jobs=2)[0] == 0
    assert {path.read_text() for path in (tmp_path / 'two').rglob('calls')} == {'x'}


def test_an_arm_that_fails_does_not_stop_the_others(study_file, tmp_path):
    code, text, study = run(study_file("'1 / ({seed} or len(\"{arm}\") - 4)'"), jobs=3)
    assert code == 1 and 'seed0/peco failed' in text and 'seed1/peco is finished' in text
    assert study.num_finished == 1 + 2 * (2 * 2 + 1) - 1
    assert len(json.loads((tmp_path / 'work/results.json').read_text())['stages']) == 10


def test_words_of_an_arm_files_of_a_family_and_smoke_runs(study_file, tmp_path):
    family = '''
        known_arms = arms
        arms = ['pixel', 'peco']
        report = 'family'
        names = dict(pixel={'value': '{seed} + 1', 'key': 'a'}, peco={'value': '7', 'key': 'b'},
                     scratch={'value': '0', 'key': 'c'})
        stages[1]['args'] = ['{work_dir}/{run}/probe', '{value}']
        stages[1]['cfg_options'] = {'{key}': '{value}'}
        smoke = dict(probe={'steps': 1})
        '''
    study = Study(study_file(extra=family), smoke=True)
    assert str(study.work_dir) == 'work-smoke'
    options = {stage.name: stage.cfg_options for stage in study.pipeline.stages}
    assert options['seed1/pixel/probe'] == {'a': '1 + 1', 'steps': 1}
    assert options['seed0/peco/tokens'] == {}
    study = Study('study.py', seeds=1)
    assert [stage.args[1] for stage in study.pipeline.stages if 'probe' in stage.name] == [
        '0 + 1', '7']
    assert all(stage.cfg_options in ({}, {'a': '0 + 1'}, {'b': '7'})
               for stage in study.pipeline.stages)


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


def test_the_machine_is_measured_before_the_estimate(study_file, monkeypatch):
    seconds = {False: 3., True: 1.}
    monkeypatch.setattr('peco.engine.study.study.step_seconds', seconds.get)
    assert Study(study_file()).estimate() == (pytest.approx(17 / 60), None)
    path = study_file(extra='step_seconds = 1.5')
    assert Study(path).estimate() == (pytest.approx(2 * 17 / 60), 2)
    assert Study(path, amp=True).estimate()[1] == pytest.approx(2 / 3)


def test_after_a_shared_stage_all_are_made_again(study_file, tmp_path):
    folder = "shared[0].update(name='data/network', args=['{work_dir}/data/network', '1'])\n" \
             "shared[0]['makes'] = stages[0]['makes'] = '{work_dir}/data/network/out.txt'"
    code, _, study = run(study_file(extra=folder))
    assert code == 0
    other = tmp_path / 'work/seed7/peco/of_another_file'
    other.mkdir(parents=True)
    (other / 'done.json').write_text('{}')
    begun = tmp_path / 'work/seed0/peco/begun'
    begun.mkdir()
    (begun / 'begun.json').write_text('{}')
    study.redo('seed0/peco/probe')
    assert other.exists() and not begun.exists() and study.num_finished == 10
    study.redo('data/network')
    assert study.num_finished == 0 and not other.exists()
    assert list(other.parent.glob('of_another_file.*'))
    assert run('study.py')[0] == 0


def test_stale_stages_are_told_before_any_job_runs(study_file, tmp_path):
    assert run(study_file())[0] == 0
    path = study_file(extra="stages[1]['args'] = ['{work_dir}/{run}/probe', '1']")
    results = tmp_path / 'work/results.json'
    before = results.read_text()
    for jobs in (1, 2):
        with pytest.raises(ValueError, match='seed0/scratch/probe.*another config'):
            run(path, jobs=jobs)
        assert results.read_text() == before
    # They count no longer.
    study = Study(path)
    study.save()
    assert not any('probe' in name for name in StudyReport.read(results))
    console = Console(record=True, width=200)
    study.summarize(console)
    text = ' '.join(console.export_text().split())
    assert 'Left out:' in text and 'seed0/scratch/probe' in text


def test_some_arms_and_seeds(study_file):
    study = Study(study_file(), seeds=1, arms=['peco'])
    assert study.arms == ['pixel', 'peco'] and study.seeds == [0]
    assert study.minutes == 3 + 2 * 3


def test_a_shared_stage_has_one_value_for_all_seeds(study_file, tmp_path):
    path = study_file(extra="measures.append(dict(label='f', stage='network', key='score', "
                      "shared=True, arms=['peco', 'other']))")
    code, text, _ = run(path)
    found = json.loads((tmp_path / 'work/results.json').read_text())['measures'][2]
    assert code == 0 and found['values'] == {'peco': {'0': 1}} and found['differences'] == {}
    assert re.search(r'│ f +│ +│ +│ +1.0 │', text)


@pytest.mark.parametrize('kwargs, extra, message', [
    (dict(arms=['vq']), '', 'no arm vq; its arms are scratch, pixel, peco'),
    (dict(seeds=0), '', 'one seed at least'),
    (dict(first_seed=-1), '', 'seeds begin at 0, got -1'),
    ({}, "references = ['pixel', 'mae']", r"references=\['pixel', 'mae'\] must name some of"),
    ({}, 'references = []', r'references=\[\] must name some of the arms'),
    ({}, "stages[0]['arms'] = ['pixl']", 'no arm pixl'),
    ({}, "measures[0]['stage'] = 'prob'", "unknown stage 'prob'"),
    ({}, "measures[0]['shared'] = True", "unknown stage 'probe'; the stages are network"),
    ({}, "smoke = dict(prob={})", "smoke names the unknown stage 'prob'"),
    ({}, "names = dict(pixl={})", 'no arm pixl'),
    (dict(jobs=0), '', 'jobs must be at least 1'),
    ({}, 'del seeds', 'no study file: it has no seeds'),
])
def test_wrong_studies_are_told(study_file, kwargs, extra, message):
    with pytest.raises(ValueError, match=message):
        Study(study_file(extra=extra), smoke='smoke' in extra, **kwargs)


def test_the_tool_asks_before_it_goes_on(study_file, tmp_path, capsys):
    study_file()
    args = ('--study', tmp_path / 'study.py', '--study-dir', tmp_path / 'work')
    assert run_tool('reproduce_claim', '--study', tmp_path / 'none.py') == 2
    assert 'none.py does not exist' in capsys.readouterr().err
    assert run_tool('reproduce_claim', *args, '--summary') == 0
    assert '0 of 11 stages' in capsys.readouterr().out
    (tmp_path / 'work/network').mkdir(parents=True)
    (tmp_path / 'work/network/done.json').write_text('{}')
    assert run_tool('reproduce_claim', *args) == 2
    assert 'go on with --resume' in capsys.readouterr().err


def test_seeds_of_several_machines_come_to_what_one_finds(study_file, tmp_path):
    assert run(study_file(), work_dir='one')[0] == 0
    for name, seed in (('a', 0), ('b', 1)):
        code, _, study = run('study.py', work_dir=name, seeds=1, first_seed=seed)
        assert code == 0 and study.seeds == [seed]
    study = Study('study.py', work_dir='both')
    study.merge(['a/results.json', 'b/results.json'], console := Console(record=True, width=200))
    assert '11 of 11 stages' in (text := console.export_text()) and '+3.0 ± 0.0' in text
    assert study.num_finished == 0 and (tmp_path / 'both/results.md').exists()
    one, merged = (json.loads((tmp_path / name / 'results.json').read_text())
                   for name in ('one', 'both'))
    assert merged['measures'] == one['measures']
    for stage in (*one['stages'].values(), *merged['stages'].values()):
        stage.update(seconds=0)
        assert stage['metrics'].pop('peak_mib') > 0
    assert merged['stages'] == one['stages']
    assert one['stages']['seed0/peco/tokens'] == dict(
        config_hash=study.pipeline.stages[study.pipeline.index('seed0/peco/tokens')].config_hash(),
        command="python tool.py DIR/seed0/peco/tokens 'len(\"peco\") + 0'", seconds=0,
        metrics=dict(score=4))


def test_the_folder_counts_first_then_the_files_in_order(study_file, tmp_path):
    code, _, study = run(study_file(), work_dir='own', arms=['scratch'], seeds=1)
    assert code == 0
    for name, add in (('a', 100), ('b', 200)):
        content = json.loads((tmp_path / 'own/results.json').read_text())
        content['stages'].pop('network')
        if name == 'b':  # has what the first has, and more
            content['stages']['seed1/pixel/probe'] = dict(
                content['stages']['seed0/pixel/probe'],
                config_hash=study_stage('seed1/pixel/probe').config_hash(),
                metrics=dict(score=20))
        for stage in content['stages'].values():
            stage['metrics']['score'] += add
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
    Study('study.py', work_dir='own').merge(['a.json', 'b.json'])
    assert scores(tmp_path / 'own')['pixel'] == {'0': 20, '1': 220}
    Study('study.py', work_dir='empty').merge(['a.json', 'b.json'])
    assert scores(tmp_path / 'empty')['pixel'] == {'0': 120, '1': 220}


def study_stage(name):
    pipeline = Study('study.py').pipeline
    return pipeline.stages[pipeline.index(name)]


def scores(folder):
    return json.loads((folder / 'results.json').read_text())['measures'][0]['values']


def test_what_does_not_belong_together_is_not_merged(study_file, tmp_path):
    assert run(study_file(), work_dir='a')[0] == 0
    theirs = json.loads((tmp_path / 'a/results.json').read_text())
    with pytest.raises(ValueError, match=r'holds seed 1, the study has seeds \[0\]'):
        Study('study.py', work_dir='b', seeds=1).merge(['a/results.json'])
    with pytest.raises(ValueError, match='name a copy'):
        Study('study.py', work_dir='a').merge(['a/results.json'])
    with pytest.raises(ValueError, match='a/results.json holds no stage of this study'):
        Study(study_file(extra="shared[0]['name'] = 'net'\nstages[0]['name'] = 'tok'\n"
                         "stages[1]['name'] = measures[0]['stage'] = 'end'\n"
                         "measures[1]['stage'] = 'tok'"), work_dir='b').merge(['a/results.json'])
    for stage in theirs['stages'].values():
        stage['command'] = 'python tools/train.py'
    theirs['stages']['network']['command'] += ' --amp'
    (tmp_path / 'mixed.json').write_text(json.dumps(theirs))
    study = Study(study_file(), work_dir='b')
    with pytest.raises(ValueError, match='some stages were trained in bfloat16'):
        study.merge(['mixed.json'])
    study = Study(study_file("'1'"), work_dir='b')
    with pytest.raises(ValueError, match="a/results.json: stage 'seed0/.*' was made with another"):
        study.merge(['a/results.json'])
    with pytest.raises(ValueError, match='another config'):
        Study('study.py', work_dir='a').merge([])
    assert not (tmp_path / 'b').exists()


@pytest.mark.parametrize('text, error, message', [
    (None, FileNotFoundError, 'other.json is no file'),
    ('[1]', ValueError, 'other.json is no results.json'),
    ('{"stages": {"network": {"config_hash": ""}}}', ValueError, "no results.json.*'command'"),
    ('{"stages": {"network": {"config_hash": "", "command": "", "seconds": 1, "metrics": null}}}',
     ValueError, 'no results.json'),
])
def test_wrong_results_of_others_are_told(study_file, tmp_path, text, error, message):
    if text is not None:
        (tmp_path / 'other.json').write_text(text)
    with pytest.raises(error, match=message):
        Study(study_file()).merge(['other.json'])


def test_commands_of_absolute_and_of_similar_paths(study_file, tmp_path):
    """Checkpoints are absolute; a folder's name may be part of other words."""
    study = Study(study_file(), work_dir='b/c')
    record = dict(config_hash='', seconds=1, metrics={}, command=(
        f'python b/c/tool.py {tmp_path}/b/c/last.pth b/cd x/b/c/d f=b/c/net'))
    study.pipeline.report.save({'network': record}, study.work_dir)
    stages = json.loads((tmp_path / 'b/c/results.json').read_text())['stages']
    assert stages['network']['command'] == 'python DIR/tool.py DIR/last.pth b/cd x/b/c/d f=DIR/net'


def test_the_tool_shares_out_seeds_and_merges_without_running(study_file, tmp_path, capsys):
    study_file()
    args = ('--study', tmp_path / 'study.py')
    merge = (*args, '--study-dir', tmp_path / 'merged', '--merge')
    assert run_tool('reproduce_claim', *args, '--study-dir', tmp_path / 'merged', '--summary',
                    '--seeds', '1', '--first-seed', '1') == 0
    assert '0 of 6 stages' in capsys.readouterr().out and not (tmp_path / 'merged').exists()
    assert run('study.py', work_dir='a', seeds=1, first_seed=1)[0] == 0
    capsys.readouterr()
    assert run_tool('reproduce_claim', *merge, tmp_path / 'a/results.json') == 0
    assert '6 of 11 stages' in capsys.readouterr().out
    assert scores(tmp_path / 'merged')['peco'] == {'1': 28}
    assert run_tool('reproduce_claim', *args, '--study-dir', tmp_path / 'a', '--merge') == 0
    assert '6 of 11 stages' in capsys.readouterr().out
    assert run_tool('reproduce_claim', *merge, tmp_path / 'none.json') == 2
    assert 'none.json is no file' in capsys.readouterr().err


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
