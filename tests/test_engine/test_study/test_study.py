"""Arms and seeds become stages; what is finished is kept, compared and drawn."""

import json
import multiprocessing
import time

import pytest
from PIL import Image
from rich.console import Console

from peco.engine.study import Study, StudyReport
from tests.toy_configs import run_tool
from tests.toy_study import run


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
    assert study.redo('seed0/peco/tokens') == ['seed0/peco/probe', 'seed0/peco/tokens']
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


def test_every_stage_of_several_arms_at_a_time_tells_what_is_left_of_the_whole(
        study_file, monkeypatch, capfd):
    monkeypatch.setattr('peco.engine.pipeline.progress.HEARTBEAT_S', -1.)
    path = study_file(extra='stages[1]["minutes"] = 30')
    tool = open('tool.py').read()
    open('tool.py', 'w').write(tool + "\nprint('Iter(train) [ 1/100]', flush=True)\n")
    assert Study(path, jobs=2).run() == 0
    out = capfd.readouterr().out
    assert 'min left of what all arms share' in out and 'min left of seed1/peco' in out
    # After each stage of an arm, and when an arm is over.
    assert out.count('min left in all') == 10 + 6
    study = Study(path, work_dir='none')
    whole, now = study.minutes, time.time()
    assert study._rest(now, whole) == ''
    assert study._rest(now - 600, whole + 10) == f'about {whole:.0f} min left in all'


def test_a_folder_that_was_moved_is_still_dir_in_published_commands(study_file, tmp_path):
    for work_dir in ('work', str(tmp_path / 'other')):
        assert run(study_file(), work_dir=work_dir, seeds=1)[0] == 0
        (tmp_path / work_dir).rename(tmp_path / 'moved')
        Study('study.py', work_dir='moved', seeds=1).save()
        stages = json.loads((tmp_path / 'moved/results.json').read_text())['stages']
        assert stages['network']['command'] == 'python tool.py DIR/network 1'
        (tmp_path / 'moved').rename(tmp_path / f'old-{tmp_path.joinpath(work_dir).name}')


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


def test_the_machine_is_measured_before_the_estimate(study_file, monkeypatch):
    monkeypatch.setattr('peco.engine.study.study.step_seconds',
                        lambda amp, threads: (1. if amp else 3.) / threads)
    monkeypatch.setattr('torch.get_num_threads', lambda: 2)
    assert Study(study_file()).estimate() == (pytest.approx(17 / 60), None)
    path = study_file(extra='step_seconds = 0.75')
    assert Study(path).estimate() == (pytest.approx(2 * 17 / 60), 2)
    assert Study(path, amp=True).estimate()[1] == pytest.approx(2 / 3)
    # Each of two jobs has one of the threads.
    assert Study(path, jobs=2).estimate() == (pytest.approx(4 * 17 / 60 / 2), 4)


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


def test_a_run_that_is_ended_writes_down_what_is_finished(study_file, tmp_path):
    path = study_file("'__import__(\"time\").sleep(60)'")
    process = multiprocessing.get_context('fork').Process(target=Study(path).run)
    process.start()
    deadline = time.time() + 60
    while not (tmp_path / 'work/seed0/scratch/probe/calls').exists():
        assert time.time() < deadline
        time.sleep(0.05)
    process.terminate()
    process.join()
    assert process.exitcode == 143
    assert list(StudyReport.read(tmp_path / 'work/results.json')) == ['network']


def test_folders_below_an_arm_are_one_chain(study_file, tmp_path):
    path = study_file(extra="""
        for stage in stages:
            stage['name'] = 'all/' + stage['name']
            stage['args'][0] = '{work_dir}/{run}/' + stage['name']
        stages[0]['makes'] = '{work_dir}/{run}/all/tokens/out.txt'
        stages[0]['arms'] = arms
        # Fails if the tokens are not there.
        stages[1].update(name='probe', args=[
            '{work_dir}/{run}/probe', 'len(open("{work_dir}/{run}/all/tokens/out.txt").read())'])
        measures = []
        """)
    code, text, study = run(path, jobs=6)
    assert code == 0, text
    assert study.redo('seed0/peco/all/tokens') == ['seed0/peco/all/tokens', 'seed0/peco/probe']


def test_some_arms_and_seeds(study_file):
    study = Study(study_file(), seeds=1, arms=['peco'])
    assert study.arms == ['pixel', 'peco'] and study.seeds == [0]
    assert study.minutes == 3 + 2 * 3


@pytest.mark.parametrize('kwargs, extra, message', [
    (dict(arms=['vq']), '', 'no arm vq; its arms are scratch, pixel, peco'),
    (dict(seeds=0), '', 'one seed at least'),
    (dict(first_seed=-1), '', 'seeds begin at 0, got -1'),
    ({}, "references = ['pixel', 'mae']", r"references=\['pixel', 'mae'\] must name some of"),
    ({}, 'references = []', r'references=\[\] must name some of the arms'),
    ({}, "stages[0]['arms'] = ['pixl']", 'no arm pixl'),
    ({}, "measures[0]['stage'] = 'prob'", "unknown stage 'prob'"),
    ({}, "measures[1]['shared'] = True", "unknown stage 'tokens'; the stages are network"),
    ({}, "measures[0]['shared'] = True", "'probe .*' is of a shared stage and must name the arms"),
    ({}, "measures[0]['arms'] = ['pixl']", 'no arm pixl'),
    ({}, "measures[0]['keey'] = 'x'", r"measure 'probe .*' has unknown keys \['keey'\]"),
    ({}, "stages[1]['args'] = ['{secs}']", "'seed0/scratch/probe' has {secs}, which nothing fills"),
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
    assert run_tool('reproduce_claim', *args, '--summary', '--merge') == 2
    assert 'not allowed with argument --summary' in capsys.readouterr().err
