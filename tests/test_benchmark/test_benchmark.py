"""The benchmark's parts: what is compared, what a child's memory is, what is written."""

import json

import torch
from rich.console import Console

from peco.benchmark.child import run_in_child
from peco.benchmark.report import Report, Row
from peco.benchmark.timing import ratio, take_turns


def test_candidates_take_turns():
    calls = []
    times = take_turns({name: lambda name=name: calls.append(name) for name in 'ab'}, rounds=3,
                       warmup=2)
    assert calls == list('ab') * 5
    assert {name: len(seconds) for name, seconds in times.items()} == dict(a=3, b=3)
    assert all(second >= 0 for seconds in times.values() for second in seconds)


def test_ratios_are_of_pairs():
    # One slow pair moves neither the others nor the median.
    assert ratio([2., 20., 2.2], [1., 10., 1.]) == 2.


def fill(mib):
    """Touch memory, and tell the number of threads."""
    held = torch.ones(mib * 2**18)
    return torch.get_num_threads(), held[-1].item()


def test_a_child_tells_its_own_peak_and_has_the_threads_it_was_given():
    held = torch.ones(1500 * 2**18)
    (threads, value), peak = run_in_child(fill, 250, threads=1)
    assert (threads, value) == (1, 1.) and len(held)
    # Libraries come on top; what this process holds does not.
    assert 250 < peak < 1500


def test_a_report_is_written_and_printed(tmp_path):
    report = Report('dense', 'CPU', 2, [
        Row('ours', 'bfloat16', 2., 0.5, 2048.), Row('theirs', 'bfloat16', 5., 0.2,
                                                     ratio_vs_ours=2.5)])
    report.write(tmp_path / 'new/report.json')
    assert json.loads((tmp_path / 'new/report.json').read_text()) == dict(
        part='dense', device='CPU', threads=2, limit={}, rows=[
            dict(name='ours', dtype='bfloat16', median_s=2., img_per_s=0.5, peak_mib=2048.,
                 ratio_vs_ours=None),
            dict(name='theirs', dtype='bfloat16', median_s=5., img_per_s=0.2, peak_mib=None,
                 ratio_vs_ours=2.5)])
    console = Console(width=120)
    with console.capture() as capture:
        console.print(report.table())
    lines = capture.get().splitlines()
    assert 'dense: CPU, 2 threads' in lines[0]
    assert [text in ' '.join(lines) for text in ('2.5', '0.5')] == [True, True]
    assert any('ours' in line and ' 2 ' in line for line in lines)  # GiB
