import subprocess
import sys

# A parent that holds 300 MiB, and its child, which holds nothing.
PARENT = '''
import subprocess, sys
from peco.utils.peak_memory import peak_memory
before = peak_memory()
held = bytearray(300 * 2**20)
print(before, peak_memory(), flush=True)
subprocess.run([sys.executable, '-c', CHILD], check=True)
'''
CHILD = '''
import resource
from peco.utils.peak_memory import peak_memory
print(peak_memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
'''


def test_it_is_the_process_and_not_its_parent():
    done = subprocess.run([sys.executable, '-c', f'CHILD = {CHILD!r}{PARENT}'], check=True,
                          capture_output=True, text=True)
    before, after, child, inherited = map(float, done.stdout.split())
    assert after > before + 250
    assert child < after - 200
    assert inherited > child + 200  # the figure of the system that is not taken
