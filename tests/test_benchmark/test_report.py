"""What a part of the benchmark found: written and printed."""

import json

from rich.console import Console

from peco.benchmark.report import Report, Row


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
