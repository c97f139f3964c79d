import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'make_demo_data.py'


def _run(*args):
    return subprocess.run([sys.executable, str(TOOL), *map(str, args)], capture_output=True,
                          text=True, cwd=TOOL.parents[1])


def test_it_makes_the_folder_and_says_what_is_in_the_way(tmp_path):
    out = tmp_path / 'demo'
    done = _run(out, '--num-train', 10, '--num-test', 10, '--image-size', 24,
                '--num-train-scenes', 2, '--num-test-scenes', 1)
    assert done.returncode == 0, done.stderr
    assert f'demo data in {out}' in done.stdout
    assert len(list(out.glob('t*/*/*.png'))) == 20
    assert len(list((out / 'scenes').rglob('*.png'))) == 6
    refused = _run(out, '--num-train', 20, '--num-test', 10)
    assert refused.returncode == 1
    assert refused.stderr.startswith('make_demo_data: ') and 'Traceback' not in refused.stderr
