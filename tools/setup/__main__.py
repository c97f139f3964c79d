"""Makes, completes or mends ``.venv``; started by ``tools/setup_env.sh``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import packages
import state
from console import Console, SetupError
from gpu import gpu_present
from mmcv_wheel import CPU_OPS_HINT, check_nvcc, mmcv_wheel

STEPS = 8
SUPPORTED = ('3.11', '3.12')
RUNNING = f'{sys.version_info.major}.{sys.version_info.minor}'
PROBE = Path(__file__).with_name('probe.py')


def absolute_find_links(value: str, folder: Path) -> str:
    """``PIP_FIND_LINKS`` with its relative folders resolved against ``folder``."""
    def resolve(link: str) -> str:
        return link if '://' in link else str(folder / Path(link).expanduser())
    return ' '.join(resolve(link) for link in value.split())


def command_environment(cwd: Path) -> dict:
    """The caller's environment, fit for commands of the virtual environment."""
    env = {name: value for name, value in os.environ.items()
           if name not in ('PYTHONHOME', 'PIP_USER', '__PYVENV_LAUNCHER__')}
    env['PATH'] = f'{packages.ROOT / ".venv" / "bin"}{os.pathsep}{env.get("PATH", os.defpath)}'
    if env.get('PIP_FIND_LINKS'):
        env['PIP_FIND_LINKS'] = absolute_find_links(env['PIP_FIND_LINKS'], cwd)
    return env


class Setup:
    """The steps of the set-up, each of which leaves alone what is already right.

    Args:
        venv: The virtual environment.
        mode: ``full`` or ``lite``.
        cpu_ops: Take CPU ops of mmcv on a machine with a GPU.
        hold: File descriptor of the lock, shared with every command that writes to ``venv``.
        console: Where to show progress.
    """

    def __init__(self, venv: Path, mode: str, cpu_ops: bool, hold: int, console: Console) -> None:
        self.venv, self.mode, self.cpu_ops, self.hold = venv, mode, cpu_ops, hold
        self.python = venv / 'bin' / 'python'
        self.env = command_environment(Path.cwd())
        self.lines = packages.wanted(mode)
        self.pins = packages.pins()
        self.console = console

    def run(self) -> None:
        """All steps; ends with the stamp."""
        self.make_venv()
        broken = state.read(self.venv).get('state') == 'installing'
        state.write(self.venv, state='installing', mode=self.mode, cpu_ops=self.cpu_ops)
        if broken and (names := packages.forget_broken(self.venv)):
            self.console.note(f'half-installed by a run that was stopped: {", ".join(names)}')
        self.mend_pip()
        self.console.step('build tools')
        self.pip('install', *self.lines['build'])
        self.console.step(' '.join(self.lines['torch']) + ' (2 to 3 GB with CUDA)')
        # Without the constraints file: torch pins the nvidia packages itself.
        self.pip('install', *self.lines['torch'], constrained=False)
        self.console.step('libraries')
        self.pip('install', *self.lines['libraries'])
        self.console.step('OpenMMLab')
        self.leave_other_mode()
        self.pip('install', '--no-deps', *self.lines['openmmlab'])
        self.keep_one_opencv()
        ops = self.install_mmcv()
        self.console.step('PeCo')
        self.pip('install', '--no-deps', '--no-build-isolation', '--editable', packages.ROOT)
        self.console.step('proof: imports' + (', mmcv.ops.nms' if self.mode == 'full' else ''))
        self.command(self.python, '-P', PROBE, 'prove', self.mode, ops, cwd=self.venv)
        if found := packages.deviations(self.venv, self.mode):
            raise SetupError('The set-up ended with another set than the tested one: '
                             + '; '.join(found))
        state.write(self.venv, state='ready', mode=self.mode, cpu_ops=self.cpu_ops, ops=ops,
                    key=state.key(self.mode, packages.version_of_python(self.venv)))
        elapsed = time.monotonic() - self.console.start
        print(f'.venv is ready ({describe(self.mode, ops)}) after {elapsed:.0f} s', flush=True)

    def command(self, *command: str | Path, check: bool = True, cwd: Path | None = None) -> bool:
        return self.console.run(command, env=self.env, hold=self.hold, check=check, cwd=cwd)

    def pip(self, action: str, *arguments: str | Path, constrained: bool = True,
            check: bool = True) -> bool:
        constraint = ('--constraint', packages.CONSTRAINTS) if constrained else ()
        return self.command(self.python, '-m', 'pip', action, *constraint, *arguments, check=check)

    def make_venv(self) -> None:
        """A virtual environment of a supported Python, made where there is none that runs."""
        runs = self.python.exists() and subprocess.run(
            [self.python, '-c', ''], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
        version = packages.version_of_python(self.venv) if runs else RUNNING
        self.console.step(f'Python {version}, virtual environment {self.venv}')
        if runs:
            return
        if self.venv.exists() and any(self.venv.iterdir()) and not any(
                (self.venv / name).exists() for name in ('pyvenv.cfg', 'bin', 'include', 'lib')):
            raise SetupError(f'{self.venv} is there, but is no virtual environment: move it away.')
        if self.venv.exists():
            self.console.note('it does not run: making it anew')
        self.command(sys.executable, '-m', 'venv', '--clear', self.venv)

    def mend_pip(self) -> None:
        """Put pip back where it is missing or does not run."""
        if subprocess.run([self.python, '-m', 'pip', '--version'], stdin=subprocess.DEVNULL,
                          capture_output=True).returncode == 0:
            return
        self.console.note('pip does not run: putting it back')
        site = packages.site_packages(self.venv)
        for folder in (site / 'pip', *site.glob('pip-*.dist-info')):
            shutil.rmtree(folder, ignore_errors=True)
        self.command(self.python, '-m', 'ensurepip', '--upgrade')

    def leave_other_mode(self) -> None:
        """Take out what the other mode installed into the folder ``mmcv``."""
        have = packages.installed(self.venv)
        others = ['mmcv', *packages.DENSE] if self.mode == 'lite' else ['mmcv-lite']
        if gone := [name for name in others if name in have]:
            self.console.note(f'taking out {", ".join(gone)}')
            self.pip('uninstall', '--yes', *gone, constrained=False)

    def keep_one_opencv(self) -> None:
        """Two OpenCVs fill the same folder: keep the headless one, whole."""
        have = packages.installed(self.venv)
        if gone := [name for name in packages.OTHER_OPENCV if name in have]:
            self.console.note(f'taking out {", ".join(gone)}: one OpenCV, the headless one')
            self.pip('uninstall', '--yes', *gone, constrained=False)
            self.pip('install', '--no-deps', '--force-reinstall', packages.HEADLESS)

    def install_mmcv(self) -> str:
        """mmcv-lite, or mmcv with ops that work on this machine.

        Returns:
            The device on which its ops are to be proved: ``cpu``, ``cuda`` or ``none``.
        """
        version = self.pins[packages.mmcv_name(self.mode)]
        if self.mode == 'lite':
            self.console.step(f'mmcv-lite {version}')
            self.pip('install', '--no-deps', f'mmcv-lite=={version}')
            return 'none'
        ops = 'cuda' if gpu_present() and not self.cpu_ops else 'cpu'
        self.console.step(f'mmcv {version} with {"CUDA" if ops == "cuda" else "CPU"} ops')
        if self.has_mmcv(version) and self.nms_works(ops):
            return ops
        if self.pip('install', '--no-deps', '--force-reinstall', '--only-binary', 'mmcv',
                    f'mmcv=={version}', check=False):
            if self.nms_works(ops):
                self.console.note('took a ready wheel')
                return ops
            self.console.note(f'the ready wheel does not work here (nms on {ops})')
            # Not left behind should the build stop: nobody takes CPU ops for GPU ops by mistake.
            self.pip('uninstall', '--yes', 'mmcv', constrained=False)
        else:
            self.console.note('no ready wheel')
        facts = self.facts()
        if ops == 'cuda':
            check_nvcc(facts)
        wheel = mmcv_wheel(self.python, version, facts, ops == 'cuda', self.console, self.env)
        self.pip('install', '--no-deps', '--force-reinstall', wheel)
        if not self.nms_works(ops):
            hint = f'\n{CPU_OPS_HINT}' if ops == 'cuda' else ''
            raise SetupError(f'mmcv was built ({wheel}), but mmcv.ops.nms does not run on {ops}; '
                             f'see the end of {self.console.log}.{hint}')
        return ops

    def facts(self) -> dict:
        answer = subprocess.run([self.python, '-P', PROBE, 'facts'], env=self.env,
                                stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if answer.returncode:
            raise SetupError(f'{answer.stderr.decode(errors="replace")}\ntorch does not import.')
        return json.loads(answer.stdout)

    def has_mmcv(self, version: str) -> bool:
        return packages.installed(self.venv).get('mmcv') == version

    def nms_works(self, device: str) -> bool:
        return self.command(self.python, '-P', PROBE, 'nms', device, check=False)


def describe(mode: str, ops: str) -> str:
    """What a finished environment is."""
    return 'lite: the core, mmcv-lite' if mode == 'lite' else f'full, mmcv ops on {ops}'


def is_fresh(venv: Path, stamp: dict, mode: str, cpu_ops: bool) -> bool:
    """Whether the stamp says that nothing is to be done; reads files only."""
    if stamp.get('state') != 'ready' or not os.access(venv / 'bin' / 'python', os.X_OK):
        return False
    if stamp.get('key') != state.key(mode, packages.version_of_python(venv)):
        return False
    if mode == 'full' and stamp.get('ops') != 'cuda' and not cpu_ops and gpu_present():
        return False
    return not packages.deviations(venv, mode)


def check_venv(venv: Path) -> None:
    """Refuse what the set-up cannot mend by itself.

    Raises:
        SetupError: for a virtual environment of another Python, or with both mmcv and mmcv-lite.
    """
    version = packages.version_of_python(venv)
    if version and version not in SUPPORTED:
        raise SetupError(f'{venv} holds Python {version}; PeCo needs {" or ".join(SUPPORTED)}. '
                         f'Remove it (rm -r {venv}) and run the set-up again.')
    if version and os.environ.get('PYTHON') and version != RUNNING:
        raise SetupError(f'{venv} holds Python {version}, but PYTHON names {RUNNING}. Remove '
                         f'the one (rm -r {venv}) or unset the other.')
    if {'mmcv', 'mmcv-lite'} <= packages.installed(venv).keys():
        raise SetupError(
            'mmcv and mmcv-lite are both installed and overwrite each other. Mend it with\n'
            f'  {venv}/bin/python -m pip uninstall -y mmcv mmcv-lite\n'
            '  bash tools/setup_env.sh --full     (or --lite)')


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='bash tools/setup_env.sh', description=(
        'Makes, completes or mends .venv. PYTHON names the interpreter; pip\'s own settings '
        '(PIP_INDEX_URL, PIP_FIND_LINKS ...) are respected.'))
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument('--full', dest='mode', action='store_const', const='full',
                      help='mmcv, mmdet and mmsegmentation as well (default of a new .venv)')
    kind.add_argument('--lite', dest='mode', action='store_const', const='lite',
                      help='the core alone, with mmcv-lite: nothing is compiled')
    parser.add_argument('--cpu-ops', action='store_true',
                        help='take CPU ops of mmcv on a machine with a GPU')
    parser.add_argument('--force', action='store_true', help='go through all steps again')
    parser.add_argument('--quiet', action='store_true', help='say nothing when all is there')
    return parser.parse_args(arguments)


def main() -> None:
    args = parse_arguments()
    venv = packages.ROOT / '.venv'
    check_venv(venv)
    if finished(venv, args):
        return
    with state.lock(state.setup_lock(), 'waiting for another set-up of this folder') as hold:
        # Once more under the lock: a run beside this one may just have done it all.
        if not finished(venv, args):
            stamp = state.read(venv)
            log = state.setup_lock().with_suffix('.log')
            log.write_text('', encoding='utf-8')
            Setup(venv, *choices(args, stamp), hold, Console(STEPS, log)).run()


def choices(args: argparse.Namespace, stamp: dict) -> tuple[str, bool]:
    """Mode and whether CPU ops are accepted: as asked for, else as chosen before."""
    return args.mode or stamp.get('mode', 'full'), args.cpu_ops or bool(stamp.get('cpu_ops'))


def finished(venv: Path, args: argparse.Namespace) -> bool:
    """Whether nothing is to be done; says so unless told to be quiet."""
    stamp = state.read(venv)
    if args.force or not is_fresh(venv, stamp, *choices(args, stamp)):
        return False
    if not args.quiet:
        print(f'.venv is ready ({describe(stamp["mode"], stamp["ops"])})')
    return True


def stop(signum: int, _frame: object) -> None:
    """Turn a signal into an exception, so that the running command is stopped too."""
    raise SystemExit(128 + signum)


if __name__ == '__main__':
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        main()
    except SetupError as error:
        print(f'\n{error}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print('\nStopped; run the set-up again to go on.', file=sys.stderr)
        sys.exit(130)
