import subprocess
import sys

import numpy as np

from peco.utils.peak_memory import peak_memory

CHILD = '''
import resource
from peco.utils.peak_memory import peak_memory
print(peak_memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
'''


def test_it_is_the_process_and_not_its_parent():
    before = peak_memory()
    held = np.ones(300 * 2**20, np.uint8)
    assert peak_memory() >= before + 100 and len(held)
    ours, inherited = map(float, subprocess.run(
        [sys.executable, '-c', CHILD], check=True, capture_output=True, text=True).stdout.split())
    assert ours < peak_memory() - 100
    # The figure of the system that is not taken.
    assert inherited > ours + 100
