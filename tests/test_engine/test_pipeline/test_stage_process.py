"""A stage in a process of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from peco.engine.pipeline import StageProcess, stage_process

ROOT = Path(__file__).parents[3]


def test_process_returns_output_and_exit_code(tmp_path):
    tool = tmp_path / 'tool.py'
    tool.write_text('import sys\nprint("one")\nprint("two", file=sys.stderr)\nsys.exit(3)\n')
    lines = []
    assert StageProcess([str(tool)], tmp_path / 'log').run(lines.append) == 3
    assert lines[:2] == ['one', 'two'] and lines[2].startswith('peak memory of the process: ')
    assert 'one\ntwo\n' in (tmp_path / 'log').read_text()


@pytest.mark.parametrize('poisoned', [False, True])
def test_where_forks_cannot_use_cuda_a_new_interpreter_runs_the_tool(tmp_path, monkeypatch,
                                                                     poisoned):
    monkeypatch.setattr(torch.cuda, '_is_in_bad_fork', lambda: poisoned)
    monkeypatch.setattr(stage_process, 'get_device', lambda: 'cuda')
    monkeypatch.setenv('PYTORCH_NVML_BASED_CUDA_CHECK', '1')
    monkeypatch.setitem(sys.modules, 'imported_by_the_parent', sys)
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 1)
    tool = tmp_path / 'tool.py'
    (tmp_path / 'beside.py').write_text('NAME = "beside"\n')
    tool.write_text('import os, sys, beside\nprint(sys.argv[1:], beside.NAME)\n'
                    'print("imported_by_the_parent" in sys.modules)\n'
                    'print(os.environ.get("PYTORCH_NVML_BASED_CUDA_CHECK"))\n'
                    'import torch\nprint(torch.get_num_threads())\nsys.exit(3)\n')
    lines = []
    assert StageProcess([str(tool), '--x', '1'], tmp_path / 'log').run(lines.append) == 3
    assert lines[:4] == ["['--x', '1'] beside", str(not poisoned), 'None', '1']
    assert lines[4].startswith('peak memory of the process: ')


@pytest.mark.parametrize('tool', ['run_pipeline', 'quickstart', 'reproduce_claim'])
def test_tools_ask_nvml_for_gpus_before_torch_is_imported(tool):
    source = (ROOT / 'tools' / f'{tool}.py').read_text()
    code = source.partition('import _forking')[0] + (
        'import _forking, os\nassert "torch" not in sys.modules\n'
        'print(os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"])')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT / 'tools', text=True,
                          capture_output=True)
    assert done.stdout.strip() == '1', done.stderr


STAGE = """
from pathlib import Path
from peco.engine.pipeline import StageProcess
from peco.engine.study.side_by_side import run_side_by_side

def run(place=0):
    return StageProcess(['tool.py'], Path('log')).run(lambda line: print(line, flush=True))

"""


@pytest.mark.parametrize('call', ['run()', "run_side_by_side({'chain': run}, jobs=1)"])
def test_a_stage_ends_with_the_process_that_started_it(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tool.py').write_text(
        "import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(60)\n")
    code = STAGE + call
    parent = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)
    stage = int(parent.stdout.readline().split()[1])
    assert os.path.exists(f'/proc/{stage}')
    parent.kill()
    parent.wait()
    deadline = time.time() + 30
    while _lives(stage) and time.time() < deadline:
        time.sleep(0.05)
    assert not _lives(stage)


def _lives(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False
