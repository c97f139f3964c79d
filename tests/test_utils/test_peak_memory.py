import subprocess
import sys

from peco.utils.peak_memory import peak_memory

# A parent that holds 300 MiB, and its child, which holds nothing; neither imports torch.
FUNCTION = f'''
import runpy, subprocess, sys
peak_memory = runpy.run_path({peak_memory.__globals__['__file__']!r})['peak_memory']
'''
PARENT = '''
before = peak_memory()
held = bytearray(300 * 2**20)
print(before, peak_memory(), flush=True)
subprocess.run([sys.executable, '-c', CHILD], check=True)
'''
CHILD = FUNCTION + '''
import resource
print(peak_memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
'''


def test_it_is_the_process_and_not_its_parent():
    code = f'{FUNCTION}\nCHILD = {CHILD!r}{PARENT}'
    done = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True)
    before, after, child, inherited = map(float, done.stdout.split())
    assert after > before + 250
    assert child < after - 200
    assert inherited > child + 200  # the figure of the system that is not taken
