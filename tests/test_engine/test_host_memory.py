"""A CPU run does not fault its memory in again at each step."""

import subprocess
import sys
from pathlib import Path

import pytest

HUGE_PAGES = Path('/sys/kernel/mm/transparent_hugepage/enabled')

STEPS = """
import resource, sys, torch
from peco.engine.host_memory import keep_freed_memory
if sys.argv[1] == 'kept':
    assert keep_freed_memory()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    for _ in range(3):
        torch.ones(2**23).sum()

step()
before = faults()
for _ in range(5):
    step()
print(faults() - before)
"""


def page_faults(how):
    done = subprocess.run([sys.executable, '-c', STEPS, how], capture_output=True, text=True,
                          check=True)
    return int(done.stdout)


@pytest.mark.whole
@pytest.mark.skipif('[always]' in HUGE_PAGES.read_text() if HUGE_PAGES.exists() else False,
                    reason='huge pages make few faults of many')
def test_freed_memory_is_used_again():
    # 15 tensors of 32 MiB are 122,880 pages of 4 KiB.
    assert page_faults('returned') > 10_000
    assert page_faults('kept') < 1_000
