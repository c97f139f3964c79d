"""What other machines have finished, beside what is finished here."""

import json

import pytest
from rich.console import Console

from peco.engine.study import Study
from peco.engine.study.merge_records import other_runs
from tests.toy_configs import run_tool
from tests.toy_study import run, scores


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
        assert stage.pop('finished')
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


def test_records_tell_when_what_they_read_was_another_run(study_file, tmp_path):
    # The probe reads the tokens, the tokens read the network.
    path = study_file(extra="""
        stages[0]['args'] += ['{work_dir}/network/out.txt']
        stages[1]['args'] += ['{work_dir}/{run}/tokens/out.txt']
        stages[1]['arms'] = arms[1:]
        arms, seeds, measures = arms[1:], 1, measures[1:]
        """)
    for name in ('a', 'b'):
        assert run(path, work_dir=name)[0] == 0
    a, b = ({name: json.loads((tmp_path / f'{folder}/results.json').read_text())['stages'][name]
             for name in ('network', 'seed0/peco/tokens', 'seed0/peco/probe')}
            for folder in ('a', 'b'))
    assert a['seed0/peco/probe']['reads'] == {
        'seed0/peco/tokens': a['seed0/peco/tokens']['finished']}

    def write(name, stages, known=True):
        if not known:  # as earlier versions wrote it
            stages = {key: {part: value for part, value in stage.items()
                            if part not in ('finished', 'reads')} for key, stage in stages.items()}
        (tmp_path / f'{name}.json').write_text(json.dumps(dict(stages=stages)))
        return f'{name}.json'

    def merge(*files):
        study = Study(path, work_dir='merged')
        study.merge(files, console := Console(record=True, width=200))
        told = [line for line in console.export_text().splitlines() if 'not of the run' in line]
        records = json.loads((tmp_path / 'merged/results.json').read_text())['stages']
        return other_runs(records), told

    assert merge(write('whole', a)) == ({}, [])
    first = {key: a[key] for key in ('network', 'seed0/peco/tokens')}
    mixed = merge(write('first', first), write('second', b))
    assert mixed == ({'seed0/peco/tokens': ['seed0/peco/probe']}, [
        'seed0/peco/tokens: the record is not of the run that seed0/peco/probe read'])
    # Neither is it forgotten when the merged file is merged, nor where times are not known.
    (tmp_path / 'merged/results.json').rename(tmp_path / 'again.json')
    assert merge('again.json') == mixed
    assert merge(write('whole', a, known=False)) == ({}, [])
    unknown = write('first', first, known=False), write('second', b, known=False)
    assert merge(*unknown) == mixed
    (tmp_path / 'merged/results.json').rename(tmp_path / 'again.json')
    assert merge('again.json') == mixed
    other = {'network': a['network']}
    assert merge(write('first', other), write('second', b))[1] == [
        'network: the record is not of the run that seed0/peco/tokens read']
    pixel = {'seed0/pixel/tokens': dict(b['seed0/peco/tokens'], config_hash=study_stage(
        'seed0/pixel/tokens').config_hash())}
    assert merge(write('first', other), write('second', {**b, **pixel}))[1] == [
        'network: the record is not of the run that seed0/pixel/tokens and 1 more read']


def study_stage(name):
    pipeline = Study('study.py').pipeline
    return pipeline.stages[pipeline.index(name)]


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
