"""What the set-up shows: numbered steps, elapsed time, a heartbeat while a command runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HEARTBEAT_SECONDS = 15
_NINJA_STEP = re.compile(r'^\[(\d+)/(\d+)\]')


class SetupError(Exception):
    """A reason to stop, written for the person at the terminal."""


def activity(tail: str, elapsed: float = 0.) -> str:
    """One line on what a command is doing, from the end of its log.

    Ninja's ``[34/112]`` becomes a count with the time left; otherwise it is the last full line.
    """
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    for line in reversed(lines):
        if match := _NINJA_STEP.match(line):
            done, total = int(match[1]), int(match[2])
            left = elapsed / done * (total - done) if done else 0.
            return f'{done}/{total} files compiled, about {left:.0f} s left'
    return lines[-1][:90] if lines else 'at work'


class Console:
    """Prints steps and runs commands with their output in a log file.

    Args:
        total: Number of steps.
        log: File that takes the commands' output.
    """

    def __init__(self, total: int, log: Path) -> None:
        self.total = total
        self.log = log
        self.start = time.monotonic()
        self._count = 0
        self._tty = sys.stdout.isatty()

    def step(self, title: str) -> None:
        """Start a numbered step."""
        self._count += 1
        elapsed = time.monotonic() - self.start
        print(f'[{self._count}/{self.total}] {title}  (+{elapsed:.0f} s)', flush=True)

    def note(self, text: str) -> None:
        """An indented line below the step."""
        print(f'      {text}', flush=True)

    def run(self, command: Sequence[str | Path], *, env: dict | None = None,
            cwd: Path | None = None, hold: int | None = None, check: bool = True) -> bool:
        """Run a command, show a heartbeat and stop it when this process is told to stop.

        Args:
            command: The command and its arguments.
            env: Its environment.
            cwd: Its working directory.
            hold: File descriptor of a lock that the command shares, so that the lock outlives a
                killed set-up for as long as the command still writes.
            check: Raise when the command fails.

        Returns:
            Whether it succeeded.

        Raises:
            SetupError: if it fails and ``check`` is set, with the end of its output.
        """
        with self.log.open('a', encoding='utf-8') as log:
            log.write(f'\n$ {" ".join(map(str, command))}\n')
            log.flush()
            begin = log.tell()
            process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True,
                pass_fds=() if hold is None else (hold, ))
        try:
            self._watch(process, begin)
        except BaseException:
            _stop(process)
            raise
        if process.returncode and check:
            end = '\n'.join(self._tail(begin).splitlines()[-25:])
            raise SetupError(f'{end}\n\nThis command failed (exit code {process.returncode}):\n  '
                             f'{" ".join(map(str, command))}\nIts whole output is in {self.log}. '
                             'Run the set-up again after mending the cause; it goes on from here.')
        return process.returncode == 0

    def _watch(self, process: subprocess.Popen, begin: int) -> None:
        start = last = time.monotonic()
        while True:
            try:
                process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                now = time.monotonic()
            if self._tty or now - last >= HEARTBEAT_SECONDS:
                last = now
                text = f'{now - start:4.0f} s  {activity(self._tail(begin), now - start)}'
                print(f'\r\033[K      {text[:100]}' if self._tty else f'      {text}',
                      end='' if self._tty else '\n', flush=True)
        if self._tty:
            print('\r\033[K', end='', flush=True)

    def _tail(self, begin: int, size: int = 20000) -> str:
        with self.log.open('rb') as log:
            log.seek(max(begin, os.fstat(log.fileno()).st_size - size))
            return log.read().decode('utf-8', errors='replace')


def _stop(process: subprocess.Popen) -> None:
    """End the command and everything it started (it leads its own process group)."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=5)
            return
        except subprocess.TimeoutExpired:
            continue
