"""Whether there is an NVIDIA GPU, without torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def gpu_present(env: dict | None = None) -> bool:
    """Whether a GPU is there and not hidden by ``CUDA_VISIBLE_DEVICES``."""
    env = dict(os.environ) if env is None else env
    if env.get('CUDA_VISIBLE_DEVICES', '0').strip() in ('', '-1'):
        return False
    if any(Path('/dev').glob('nvidia[0-9]*')):
        return True
    # WSL has no such device files.
    command = shutil.which('nvidia-smi', path=env.get('PATH'))
    if command is None:
        return False
    try:
        answer = subprocess.run([command, '-L'], capture_output=True, text=True, timeout=20,
                                stdin=subprocess.DEVNULL, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and 'GPU ' in answer.stdout
