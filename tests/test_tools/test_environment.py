import subprocess
import sys

import pytest

from tests.toy_configs import ROOT

TOOLS = sorted(path.name for path in (ROOT / 'tools').glob('[a-z]*.py'))


@pytest.mark.parametrize('tool', TOOLS)
def test_a_python_without_packages_is_told_in_one_line(tool):
    # -S leaves out site-packages, -E what the environment adds.
    result = subprocess.run([sys.executable, '-S', '-E', ROOT / 'tools' / tool, '--help'],
                            text=True, capture_output=True, timeout=60, cwd='/')
    assert result.returncode == 2 and not result.stdout
    assert len(result.stderr.splitlines()) == 1
    for part in ('has no torch, rich', 'source .venv/bin/activate', 'tools/setup_env.sh'):
        assert part in result.stderr
