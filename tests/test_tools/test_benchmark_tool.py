import json
from functools import partial

import pytest

from peco.benchmark import PARTS, contest, data
from tests.toy_configs import run_tool


def test_the_data_part_is_printed_and_written(tmp_path, monkeypatch, capsys):
    # A child takes seconds to import torch.
    for module in (contest, data):
        monkeypatch.setattr(module, 'run_in_child', lambda function, *args, threads=None: (
            function(*args), 1.))
    monkeypatch.setitem(PARTS, 'data', partial(data.measure, images=2))
    monkeypatch.setenv('COLUMNS', '160')
    assert run_tool('benchmark', 'data', '--rounds', 1, '--json', tmp_path / 'data.json') == 0
    rows = json.loads((tmp_path / 'data.json').read_text())['rows']
    assert [row['ratio_vs_ours'] is None for row in rows] == [True, False] * 2
    printed = capsys.readouterr().out
    assert all(row['name'] in printed for row in rows)


@pytest.mark.parametrize(('options', 'message'), [
    (('data', '--threads', '2'), 'on one thread of the CPU'),
    (('data', '--device', 'cuda'), 'on one thread of the CPU'),
    (('quantizer', '--batch', '2'), 'options of pretrain-step'),
    (('data', '--rounds', '0'), '--rounds must be at least 1, got 0'),
])
def test_options_that_a_part_does_not_have_are_refused(options, message, capsys):
    assert run_tool('benchmark', *options) == 2
    assert message in capsys.readouterr().err
