import textwrap

import pytest

from tests.toy_study import PROBE, STUDY, TOOL


@pytest.fixture
def study_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tool.py').write_text(TOOL)

    def write(probe=PROBE, extra=''):
        (tmp_path / 'study.py').write_text(STUDY.replace('PROBE', probe) + textwrap.dedent(extra))
        return 'study.py'
    return write
