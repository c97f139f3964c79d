import json
import os
import re
import shutil
import textwrap

import pytest
from rich.console import Console

from peco.engine.pipeline import Pipeline, Report, Stage
from peco.engine.pipeline.pipeline import collect_metrics
from peco.engine.pipeline.progress import PipelineProgress
from peco.engine.pipeline.stage_lock import stage_lock

TOOL = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
with open(folder / 'calls', 'a') as calls:
    calls.write('x')
print('hello from', folder.name)
if len(sys.argv) > 2 and sys.argv[2] == 'fail':
    sys.exit('it broke')
if len(sys.argv) > 2 and sys.argv[2] == 'lazy':
    sys.exit(0)
(folder / 'metrics.json').write_text(json.dumps(dict(score=len(folder.name))))
(folder / 'out.txt').write_text('made')
"""


@pytest.fixture
def write_pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tool.py').write_text(TOOL)

    def write(second=('{work_dir}/second',), extra=''):
        (tmp_path / 'pipeline.py').write_text(textwrap.dedent(f"""
            title = 'two stages'
            work_dir = 'work'
            stages = [
                dict(name='first', title='one', run='tool.py', args=['{{work_dir}}/first'],
                     makes='{{work_dir}}/first/out.txt'),
                dict(name='second', title='two', run='tool.py', args={list(second)!r},
                     makes='{{work_dir}}/second/out.txt'),
            ]
            table = dict(columns=['A', 'B'], rows=[
                dict(label='score', cells={{'A': ('first', 'score'), 'B': ('second', 'score')}})])
            {extra}
        """))
        return 'pipeline.py'

    return write


def _run(path, **kwargs):
    console = Console(record=True, width=200)
    code = Pipeline(path).run(console=console, **kwargs)
    return code, console.export_text()


def test_stages_run_once_and_the_table_holds_their_metrics(write_pipeline, tmp_path):
    path = write_pipeline()
    code, text = _run(path)
    assert code == 0 and '│ score │ 5.0 │ 6.0 │' in text
    assert json.loads((tmp_path / 'work/results.json').read_text())['second']['score'] == 6.0
    assert json.loads((tmp_path / 'work/results.json').read_text())['second']['peak_mib'] > 10
    assert '| score | 5.0 | 6.0 |' in (tmp_path / 'work/results.md').read_text()
    code, text = _run(path)
    assert code == 0 and '2 of 2 stages finished' in text
    assert (tmp_path / 'work/first/calls').read_text() == 'x'


def test_a_failing_stage_stops_with_its_last_lines_and_goes_on_later(write_pipeline, tmp_path):
    code, text = _run(write_pipeline(second=['{work_dir}/second', 'fail']))
    assert code == 1 and 'it broke' in text and 'python tool.py work/second fail' in text
    assert not (tmp_path / 'work/second/done.json').exists()
    code, text = _run(write_pipeline(second=['{work_dir}/second', 'fail']))
    assert code == 1 and 'anew' not in text
    assert (tmp_path / 'work/second/calls').read_text() == 'xx'
    # With another config it does not go on from what the first one left.
    code, text = _run(write_pipeline())
    assert code == 0 and 'second was begun with another config' in text
    assert (tmp_path / 'work/first/calls').read_text() == 'x'
    assert (tmp_path / 'work/second/calls').read_text() == 'x'
    aside, = (tmp_path / 'work').glob('second.*')
    assert (aside / 'calls').read_text() == 'xx'


def test_another_precision_begins_a_stage_anew(write_pipeline, tmp_path):
    path = write_pipeline(second=['{work_dir}/second', 'fail'])
    assert _run(path)[0] == 1
    code = Pipeline(path, amp=True).run(console=Console(record=True, width=200))
    assert code == 1 and (tmp_path / 'work/second/calls').read_text() == 'x'
    assert (tmp_path / 'work/first/calls').read_text() == 'x'


def test_what_was_trained_is_not_begun_anew(write_pipeline, tmp_path):
    args = ['{work_dir}/second', 'fail']
    path = write_pipeline(second=args)
    assert _run(path)[0] == 1
    (tmp_path / 'work/second/last_checkpoint').write_text('epoch_700.pth')
    with pytest.raises(ValueError, match=r'^second was .*: go on as it was begun \(--amp off\), or '
                                         'make it again by --redo second$'):
        Pipeline(path, amp=True).run(console=Console(quiet=True))
    with pytest.raises(ValueError, match='^second was .*: go on as it was begun, or '):
        _run(write_pipeline())
    assert (tmp_path / 'work/second/calls').read_text() == 'x'
    assert _run(write_pipeline(second=args))[0] == 1  # as it was begun
    assert (tmp_path / 'work/second/calls').read_text() == 'xx'


def test_the_command_of_a_failing_stage_can_be_copied(write_pipeline):
    console = Console(record=True, width=40)
    args = ['{work_dir}/second', 'fail', 'model.out=[a,b]', '[/run]']
    assert Pipeline(write_pipeline(second=args)).run(console=console) == 1
    text = console.export_text()
    assert "\n  python tool.py work/second fail 'model.out=[a,b]' '[/run]'\n" in text


def test_a_stage_that_leaves_nothing_behind_has_failed(write_pipeline):
    code, text = _run(write_pipeline(second=['{work_dir}/second', 'lazy']))
    assert code == 1 and 'work/second/out.txt was not written' in text


def test_until_stops_early(write_pipeline, tmp_path):
    assert _run(write_pipeline(), until='first')[0] == 0
    assert not (tmp_path / 'work/second').exists()


def test_a_changed_stage_is_an_error_until_it_is_redone(write_pipeline, tmp_path):
    _run(write_pipeline())
    path = write_pipeline(second=['{work_dir}/second', 'again'])
    with pytest.raises(ValueError, match="stage 'second' .* another config or .* --redo second"):
        Pipeline(path).run()
    pipeline = Pipeline(path)
    pipeline.redo('second')
    assert pipeline.run(console=Console(quiet=True)) == 0
    assert (tmp_path / 'work/first/calls').read_text() == 'x'
    assert len(list((tmp_path / 'work').glob('second.*'))) == 1


@pytest.mark.parametrize('finished', [True, False])
def test_a_stage_of_an_earlier_run_of_what_it_reads(write_pipeline, tmp_path, finished):
    tail = [] if finished else ['fail']
    args = ['{work_dir}/second', *tail, '{work_dir}/first/out.txt']
    path = write_pipeline(second=args)
    assert _run(path)[0] == (0 if finished else 1)
    shutil.rmtree(tmp_path / 'work/first')
    if finished:
        with pytest.raises(ValueError, match="'second' under work was made from another run of "
                                             "'first' than is there now; .*--redo second"):
            _run(path)
        Pipeline(path).redo('second')
    code, text = _run(path)
    assert code == (0 if finished else 1)
    assert ('anew' in text) != finished  # what had begun does not go on
    assert (tmp_path / 'work/second/calls').read_text() == 'x'
    assert not finished or '2 of 2 stages finished' in _run(path)[1]


def test_stages_of_earlier_versions_stay_finished(write_pipeline, tmp_path):
    path = write_pipeline(second=['{work_dir}/second', '', '{work_dir}/first/out.txt'])
    _run(path)
    for record in (tmp_path / 'work').glob('*/done.json'):
        content = json.loads(record.read_text())
        del content['finished'], content['reads']
        record.write_text(json.dumps(content))
    assert '2 of 2 stages finished' in _run(path)[1]


def test_smoke_overrides_and_bad_pipelines(write_pipeline):
    path = write_pipeline(extra="smoke = {'second': dict(args=['{work_dir}/s'])}")
    pipeline = Pipeline(path, smoke=True)
    assert pipeline.stages[1].args == ['{work_dir}/s']
    assert str(pipeline.work_dir) == 'work-smoke'
    with pytest.raises(ValueError, match="unknown stage 'third'"):
        Pipeline(write_pipeline(extra="smoke = {'third': {}}"), smoke=True)
    with pytest.raises(ValueError, match=r"unknown keys \['titel'\]"):
        Pipeline(write_pipeline(extra="stages += [dict(name='x', titel='y', run='train')]"))
    with pytest.raises(ValueError, match=r"found twice: \['first'\]"):
        Pipeline(write_pipeline(extra='stages += [stages[0]]'))
    with pytest.raises(FileNotFoundError, match='nowhere.py does not exist'):
        Pipeline('nowhere.py')


def test_names_fill_the_words_in_braces(write_pipeline):
    path = write_pipeline(second=['{data}/{work_dir}', '{last:first}'],
                          extra="names = dict(data='nuclei')")
    second = Pipeline(path).stages[1]
    assert second.args == ['nuclei/{work_dir}', '{last:first}']


@pytest.mark.parametrize('text, message', [
    (None, "config file 'c.py' does not exist"),
    ("_base_ = 'mmnothing::a/x.py'", "'c.py' cannot be read: .*mmnothing"),
])
def test_a_config_that_cannot_be_read_is_told_before_the_first_stage(write_pipeline, tmp_path,
                                                                     text, message):
    if text is not None:
        (tmp_path / 'c.py').write_text(text)
    path = write_pipeline(extra="stages[1].update(run='test', config='c.py', checkpoint='x.pth')")
    with pytest.raises(ValueError, match=message):
        Pipeline(path).run()
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize('word', ['secs', 'last:thrid', 'last'])
def test_words_that_nothing_fills_are_told(write_pipeline, word):
    path = write_pipeline(second=['{work_dir}/second', f'--x={{{word}}}'])
    with pytest.raises(ValueError, match=f"'second' has {{{word}}}, which nothing fills"):
        Pipeline(path)


def test_metrics_come_from_the_last_scalars(tmp_path):
    folder = tmp_path / '20260101_000000/vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text(
        '{"loss": 2.0, "step": 1}\n{"loss": 1.0, "step": 2}\n{"accuracy/top1": 50.0}\n')
    assert collect_metrics(tmp_path) == {'loss': 1.0, 'step': 2.0, 'accuracy/top1': 50.0}


def test_a_line_that_a_killed_run_left_half_written_does_not_count(tmp_path):
    for begin, text in (('20260101_000000', '{"loss": 2.0}\n{"loss": 1.'),
                        ('20260101_000100', '{"loss": 0.5}\n')):
        (tmp_path / begin / 'vis_data').mkdir(parents=True)
        (tmp_path / begin / 'vis_data/scalars.json').write_text(text)
    assert collect_metrics(tmp_path) == {'loss': 0.5}


def test_the_seconds_of_interrupted_attempts_count(write_pipeline, tmp_path):
    path = write_pipeline(second=['{work_dir}/second', 'fail'])
    assert _run(path)[0] == 1
    for expected in (100, 200):
        begun = tmp_path / 'work/second/begun.json'
        # Its log ends 100 seconds after its begin.
        end = (tmp_path / 'work/second/stage.log').stat().st_mtime
        os.utime(begun, (end - 100, end - 100))
        assert _run(path)[0] == 1
        assert json.loads(begun.read_text())['seconds'] == pytest.approx(expected, abs=0.2)
    tool = tmp_path / 'tool.py'
    tool.write_text(tool.read_text().replace("'fail'", "'no longer'"))
    assert _run(path)[0] == 0
    done = json.loads((tmp_path / 'work/second/done.json').read_text())
    assert done['seconds'] >= 200  # two attempts of 100, and the last one


def test_a_config_that_is_edited_while_its_stage_runs(write_pipeline, tmp_path):
    (tmp_path / 'c.py').write_text('lr = 1\n')
    (tmp_path / 'tool.py').write_text(TOOL + "pathlib.Path('c.py').write_text('lr = 2')\n")
    path = write_pipeline(extra="stages = [dict(stages[0], config='c.py')]")
    before = Pipeline(path).stages[0].fingerprint()
    assert _run(path)[0] == 0
    assert json.loads((tmp_path / 'work/first/done.json').read_text())['fingerprint'] == before
    with pytest.raises(ValueError, match="'first' .* another config"):
        Pipeline(path).run()


def test_progress_reads_the_log_lines_of_the_runner():
    stages = [Stage('a', 'A', 'train', config='c', minutes=3), Stage('b', 'B', 'train', config='c')]
    with PipelineProgress(stages, Console(quiet=True)) as progress:
        progress.begin(stages[0], 1, 2)
        progress.line('train_cfg = dict(max_epochs=4, type=...)')
        progress.line('INFO - Epoch(train)  [2][ 5/10]  lr: 1e-3  eta: 0:01:00  loss: 1.25')
        assert progress.fraction == pytest.approx((1 + 0.5) / 4)
        assert progress.completed() == pytest.approx(3 * 0.375)
        progress.line('INFO - Iter(train) [ 30/40]  lr: 1e-3')
        assert progress.fraction == 0.75
        progress.end('')
        progress.begin(stages[1], 2, 2)
        assert progress.completed() == 3


def test_progress_tells_what_its_time_is_of_and_what_is_left_beyond(monkeypatch):
    monkeypatch.setattr('peco.engine.pipeline.progress.HEARTBEAT_S', -1.)
    stage = Stage('a', 'A', 'train', config='c', minutes=3)
    for rest, told in ((lambda: 'about 90 min left in all', ['about 90 min left in all']),
                       (lambda: '', []), (None, [])):
        console = Console(record=True, width=200)
        with PipelineProgress([stage], console, 'of seed0/peco', rest) as progress:
            progress.begin(stage, 1, 1)
            progress.line('INFO - Iter(train) [ 1/100]  lr: 1e-3')
            beat = console.export_text(clear=False).splitlines()[-1]
            assert beat.endswith('about 3 min left of seed0/peco')
            progress.end('')
        assert console.export_text().splitlines()[3:] == told


def test_report_shows_a_dash_for_what_has_not_run():
    report = Report('t', [dict(label='x', cells={'A': ('s', 'k', '.2f')})], ['A', 'B'])
    assert report.values({}) == [('x', ['–', ''])]
    assert report.values({'s': {'k': 1.234}}) == [('x', ['1.23', ''])]


def test_two_processes_do_not_run_the_same_stage(write_pipeline, tmp_path):
    path = write_pipeline()
    with stage_lock(tmp_path / 'work', 'first'), stage_lock(tmp_path / 'other', 'first'):
        with pytest.raises(ValueError, match="stage 'first' is being run by another process under "
                                             'work'):
            _run(path)
    assert _run(path)[0] == 0


def test_what_does_not_count_is_not_in_the_table(write_pipeline, tmp_path):
    second = ['{work_dir}/second', '', '{work_dir}/first/out.txt']
    path = write_pipeline(second=second)
    _run(path)
    assert set(Pipeline(path).ledger.records()) == {'first', 'second'}
    # Another first stage: the second one has read what does not count.
    path = write_pipeline(second=second, extra="stages[0]['cfg_options'] = dict(a=1)")
    assert Pipeline(path).ledger.examine() == ({}, ['first', 'second'])
    path = write_pipeline(second=[*second, 'more'])
    records, stale = Pipeline(path).ledger.examine()
    assert list(records) == ['first'] and stale == ['second']


def test_stages_of_another_precision_do_not_go_on(write_pipeline, tmp_path):
    path = write_pipeline()
    _run(path)
    for amp in (False, True):
        pipeline = Pipeline(path, amp=amp)
        pipeline.stages[0].run = 'train'
        # Only the command tells: the fingerprint is of what would run.
        record = tmp_path / 'work/first/done.json'
        content = dict(json.loads(record.read_text()), command='python tools/train.py c.py --amp')
        pipeline.stages[0].fingerprint = lambda read, content=content: content['fingerprint']
        record.write_text(json.dumps(content))
        assert pipeline.ledger.left(pipeline.stages[:1]) == []  # nothing would be mixed
        pipeline.stages[1].run = 'train'
        (tmp_path / 'work/second/done.json').unlink(missing_ok=True)
        if amp:
            assert pipeline.ledger.left(pipeline.stages) == pipeline.stages[1:]
        else:
            with pytest.raises(ValueError, match="stage 'first' under work was trained in bfloat16,"
                                                 ' the rest would be in float32: go on with --amp '
                                                 'on'):
                pipeline.ledger.left(pipeline.stages)


def test_what_another_process_has_finished_meanwhile_is_not_run_again(write_pipeline, tmp_path):
    path = write_pipeline()
    pipeline, console = Pipeline(path), Console(record=True, width=200)
    run_first = pipeline._run_stage

    def first_then_other(stage, *args):
        code = run_first(stage, *args)
        if stage.name == 'first':
            other = Pipeline(path)
            assert other.run_stages(other.stages[1:], Console(quiet=True)) == 0
        return code

    pipeline._run_stage = first_then_other
    assert pipeline.run(console=console) == 0
    assert (tmp_path / 'work/second/calls').read_text() == 'x'
    assert re.search(r'two: \d+ s  another process has finished it', console.export_text())


def test_a_running_stage_is_not_moved_aside(write_pipeline, tmp_path):
    path = write_pipeline()
    _run(path)
    with stage_lock(tmp_path / 'work', 'second'):
        with pytest.raises(ValueError, match="stage 'second' is being run by another process"):
            Pipeline(path).redo('first')
    assert sorted(item.name for item in (tmp_path / 'work').iterdir() if item.is_dir()) == [
        '.locks', 'first', 'second']


def test_what_needs_a_missing_package_is_left_out_and_told(write_pipeline, monkeypatch):
    path = write_pipeline(extra="stages[1]['needs'] = ['rich', 'no_such_package']")
    code, text = _run(path)
    assert code == 0 and '1 of 1 stages' not in text and '0 of 1 stages finished' in text
    assert 'Left out: second, because no_such_package is not installed' in text
    assert json.loads(open('work/results.json').read()).keys() == {'first'}
    # What is installed later is made up for; nothing else is made again.
    monkeypatch.setattr(Stage, 'lacks', lambda stage: [])
    code, text = _run(path)
    assert code == 0 and '1 of 2 stages finished' in text and 'Left out' not in text
