"""Builds a wheel of mmcv with the C++ standard that the installed torch asks for, and keeps it."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

import state
from console import Console, SetupError

_STANDARD_FLAG = re.compile(r'(?P<flag>[-/]std[=:]c\+\+)(?P<year>1[147]|20|23|26)\b')
# Where torch says which standard it needs: the flag of its own extension builder, and the
# complaint of its headers about an older one.
_ASKS = ((Path('utils/cpp_extension.py'), re.compile(r'c\+\+(\d\d)\b')),
         (Path('include/torch/csrc/api/include/torch/all.h'), re.compile(r'#error.*?C\+\+(\d\d)')),
         (Path('include/c10/util/C++17.h'), re.compile(r'#error.*?C\+\+(\d\d)')))
CPU_OPS_HINT = ('Without detection and segmentation: bash tools/setup_env.sh --lite. '
                'To go on with CPU ops knowingly: bash tools/setup_env.sh --cpu-ops')


def required_standard(torch_folder: Path) -> int | None:
    """The C++ standard (``17``, ``20`` ...) that a torch installation asks for.

    Args:
        torch_folder: The folder of the package ``torch``.

    Returns:
        The two digits, or None where torch does not say.
    """
    found = [int(digits) for path, pattern in _ASKS if (torch_folder / path).is_file()
             for digits in pattern.findall((torch_folder / path).read_text(encoding='utf-8'))]
    # c++98 in a comment is no demand.
    return max((number for number in found if 11 <= number < 98), default=None)


def raise_standard(setup_text: str, standard: int) -> tuple[str, int]:
    """Raise every C++ standard flag below ``standard`` in the text of a ``setup.py``.

    Returns:
        The new text and the number of flags that were raised.
    """
    count = 0

    def replace(match: re.Match) -> str:
        nonlocal count
        if int(match['year']) >= standard:
            return match.group()
        count += 1
        return f'{match["flag"]}{standard}'

    return _STANDARD_FLAG.sub(replace, setup_text), count


def parallel_jobs(cuda: bool, env: dict, memory_bytes: int | None = None,
                  cores: int | None = None) -> int:
    """Compilers to run side by side: ``MAX_JOBS``, else what cores and free memory allow."""
    if env.get('MAX_JOBS', '').isdigit():
        return max(1, int(env['MAX_JOBS']))
    if cores is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    if memory_bytes is None:
        memory_bytes = os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    # A file of mmcv takes up to 1.5 GB of memory, one with CUDA kernels about twice that.
    return max(1, min(cores, int(memory_bytes // ((3 if cuda else 1.5) * 2**30))))


def wheel_folder(facts: dict, version: str, cuda: bool, env: dict) -> Path:
    """Folder that keeps the wheel for this torch, Python, machine and kind of ops."""
    base = env.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    ops = 'cpu'
    if cuda:
        ops = f'cuda{facts["cuda"]}-{env.get("TORCH_CUDA_ARCH_LIST") or facts["arch_list"]}'
        ops = re.sub(r'[^A-Za-z0-9.+-]+', '_', ops)
    name = f'mmcv-{version}-torch{facts["torch"]}-{facts["tag"]}-{facts["machine"]}-{ops}'
    return Path(base) / 'peco' / 'wheels' / name


def check_nvcc(facts: dict) -> None:
    """Check that nvcc is there and of torch's CUDA major version.

    Args:
        facts: What the probe said: ``torch``, ``cuda``, ``nvcc`` (its version or None).

    Raises:
        SetupError: if CUDA ops cannot be built; it says what to install.
    """
    if facts['cuda'] is None:
        raise SetupError(f'There is a GPU, but torch {facts["torch"]} is a build without CUDA. '
                         'Install one with CUDA (the default of pypi.org), then run the set-up '
                         f'again.\n{CPU_OPS_HINT}')
    if not facts['cuda_available']:
        raise SetupError(f'There is a GPU, but torch {facts["torch"]} (CUDA {facts["cuda"]}) '
                         'cannot use it: the NVIDIA driver is missing or too old. Install a '
                         f'driver for CUDA {facts["cuda"]} (`nvidia-smi` shows the highest it '
                         f'supports).\n{CPU_OPS_HINT}')
    major = facts['cuda'].split('.')[0]
    install = (f'Install the CUDA {facts["cuda"]} toolkit (https://developer.nvidia.com/'
               f'cuda-toolkit-archive; Debian, Ubuntu with NVIDIA\'s repository: apt install '
               f'cuda-toolkit-{facts["cuda"].replace(".", "-")}) and set CUDA_HOME to its folder, '
               f'then run the set-up again.\n{CPU_OPS_HINT}')
    if facts['nvcc'] is None:
        raise SetupError('There is a GPU, but nvcc, the CUDA compiler that mmcv\'s GPU ops need, '
                         f'was not found. {install}')
    if facts['nvcc'].split('.')[0] != major:
        raise SetupError(f'nvcc is of CUDA {facts["nvcc"]}, torch {facts["torch"]} of CUDA '
                         f'{facts["cuda"]}: their major versions must be the same. {install}')


def check_compiler(facts: dict, env: dict) -> None:
    """Check for a C++ compiler and Python's headers.

    Raises:
        SetupError: if one is missing, with the package to install.
    """
    compiler = (env.get('CXX') or 'c++').split()[0]
    if shutil.which(compiler, path=env.get('PATH')) is None:
        raise SetupError(f'No C++ compiler ({compiler}): mmcv has to be built from source. Debian, '
                         'Ubuntu: apt install g++; Fedora: dnf install gcc-c++.')
    if not (Path(facts['include']) / 'Python.h').is_file():
        raise SetupError(f'No Python.h in {facts["include"]}: mmcv has to be built from source. '
                         f'Debian, Ubuntu: apt install python{facts["python"]}-dev; Fedora: dnf '
                         f'install python{facts["python"]}-devel.')


def build_environment(facts: dict, cuda: bool, env: dict) -> dict:
    """Environment of the build."""
    built = dict(env, MMCV_WITH_OPS='1', FORCE_CUDA='1' if cuda else '0',
                 MAX_JOBS=str(parallel_jobs(cuda, env)))
    # Without debug symbols: half the time, a sixteenth of the size.
    for name in ('CFLAGS', 'CXXFLAGS'):
        built[name] = f'{env.get(name, "")} -g0'.strip()
    if cuda:
        built.setdefault('TORCH_CUDA_ARCH_LIST', facts['arch_list'])
    else:
        built['CUDA_VISIBLE_DEVICES'] = ''
    return built


def _unpack(python: Path, version: str, folder: Path, console: Console, env: dict) -> Path:
    """Fetch and unpack the source package; a folder that is there is whole."""
    source = folder / 'source'
    if source.is_dir():
        console.note('going on with the files that an earlier build compiled')
        return source
    for stopped in folder.glob('unpack-*'):
        shutil.rmtree(stopped)
    with tempfile.TemporaryDirectory(dir=folder, prefix='unpack-') as temporary:
        console.note('downloading the source package')
        console.run([python, '-m', 'pip', 'download', '--no-deps', '--no-binary', 'mmcv',
                     '--no-build-isolation', '--dest', temporary, f'mmcv=={version}'], env=env)
        archive = next(Path(temporary).glob('mmcv-*.tar.gz'))
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter='data')
        (Path(temporary) / f'mmcv-{version}').rename(source)
    return source


def _write_standard(source: Path, facts: dict, console: Console) -> None:
    standard = required_standard(Path(facts['torch_folder']))
    if standard is None:
        console.note(f'torch {facts["torch"]} does not say which C++ standard it needs: keeping '
                     'the one of mmcv')
        return
    setup = source / 'setup.py'
    text, count = raise_standard(setup.read_text(encoding='utf-8'), standard)
    setup.write_text(text, encoding='utf-8')
    if count:
        console.note(f'C++{standard}, as torch {facts["torch"]} asks for ({count} flags changed)')


def mmcv_wheel(python: Path, version: str, facts: dict, cuda: bool, console: Console,
               env: dict) -> Path:
    """The kept wheel of mmcv for this torch, built first where there is none.

    Args:
        python: Interpreter of the virtual environment, with torch and setuptools <81.
        version: Version of mmcv.
        facts: What ``probe.py`` says about that interpreter.
        cuda: Build the CUDA ops as well.
        console: Where to show progress.
        env: Environment of the commands.

    Returns:
        Path of the wheel.

    Raises:
        SetupError: if a compiler is missing or the build fails.
    """
    folder = wheel_folder(facts, version, cuda, env)
    with state.lock(folder / 'lock', 'waiting for another build of the same wheel') as descriptor:
        if kept := sorted(folder.glob('*.whl')):
            console.note(f'kept wheel: {kept[0]}')
            return kept[0]
        check_compiler(facts, env)
        built = build_environment(facts, cuda, env)
        source = _unpack(python, version, folder, console, built)
        _write_standard(source, facts, console)
        console.note(f'compiling with {built["MAX_JOBS"]} jobs '
                     f'({"CPU and CUDA" if cuda else "CPU"} ops): this is the long step, '
                     'about 6 minutes on two cores, longer with CUDA')
        console.run([python, 'setup.py', 'bdist_wheel', '--dist-dir', 'dist'], env=built,
                    cwd=source, hold=descriptor)
        wheel = next((source / 'dist').glob('mmcv-*.whl'))
        kept_wheel = wheel.replace(folder / wheel.name)
        shutil.rmtree(source)
        return kept_wheel
