import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.test_setup.setup_parts import ROOT


def test_activity_counts_compiled_files():
    from console import activity
    assert activity('a\n[1/100] c++ a\n[25/100] c++ b\nwarning: old', 50.) == (
        '25/100 files compiled, about 150 s left')
    assert activity('Collecting timm\n  Downloading timm.whl\n') == 'Downloading timm.whl'
    assert activity('') == 'at work'


def test_failing_command_shows_the_end_of_its_output(tmp_path):
    from console import Console, SetupError
    console = Console(1, tmp_path / 'log')
    with pytest.raises(SetupError, match='the cause[^$]*exit code 3'):
        console.run(['bash', '-c', 'echo the cause; exit 3'])
    assert console.run(['false'], check=False) is False


def runs(pid):
    """Whether a process is there and more than an entry that nobody has collected."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_a_stopped_set_up_stops_its_command_too(tmp_path):
    code = (f'import sys, signal; sys.path.insert(0, {str(ROOT / "tools" / "setup")!r})\n'
            'from pathlib import Path; from console import Console\n'
            'signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n'
            f'Console(1, Path({str(tmp_path / "log")!r})).run(["bash", "-c", '
            # By then the set-up watches the command.
            f'"sleep 1; echo $$ > {tmp_path}/pid; sleep 100; true"])')
    process = subprocess.Popen([sys.executable, '-c', code])
    pid = tmp_path / 'pid'
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(pid.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    deadline = time.monotonic() + 60
    while runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
