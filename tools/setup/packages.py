"""What has to be installed, and what is installed, read without importing any of it."""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / 'requirements'
CONSTRAINTS = REQUIREMENTS / 'constraints.txt'
# Installed with --no-deps: mmengine names the GUI build of OpenCV.
OPENMMLAB = ('mmengine', 'mmpretrain', 'mmdet', 'mmsegmentation')
DENSE = ('mmdet', 'mmsegmentation')
HEADLESS = 'opencv-python-headless'
OTHER_OPENCV = ('opencv-python', 'opencv-contrib-python', 'opencv-contrib-python-headless')


def normalise(name: str) -> str:
    """Package name as indexes compare it."""
    return re.sub(r'[-_.]+', '-', name).lower()


def read_requirements(name: str) -> list[str]:
    """Requirement lines of ``requirements/<name>.txt``."""
    lines = (REQUIREMENTS / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    stripped = (line.split('#', 1)[0].strip() for line in lines)
    return [line for line in stripped if line]


def project(requirement: str) -> str:
    """Package name of a requirement line."""
    return normalise(re.match(r'[A-Za-z0-9._-]+', requirement).group())


def pins() -> dict[str, str]:
    """The tested set: package name to version."""
    return {project(line): line.split('==')[1] for line in read_requirements('constraints')}


def wanted(mode: str) -> dict[str, list[str]]:
    """Requirement lines of a mode (``full`` or ``lite``), by the step that installs them."""
    names = ['core', 'openmmlab', 'tests'] + (['dense'] if mode == 'full' else [])
    lines = [line for name in names for line in read_requirements(name)]
    torch = ('torch', 'torchvision')
    return {
        'build': read_requirements('build'),
        'torch': [f'{name}=={pins()[name]}' for name in torch],
        'openmmlab': [line for line in lines if project(line) in OPENMMLAB],
        'libraries': [line for line in lines if project(line) not in (*OPENMMLAB, *torch)],
    }


def mmcv_name(mode: str) -> str:
    """The distribution that fills the package folder ``mmcv`` in a mode."""
    return 'mmcv' if mode == 'full' else 'mmcv-lite'


def site_packages(venv: Path) -> Path | None:
    """The package folder of a virtual environment."""
    return next(iter(sorted(venv.glob('lib/python3.*/site-packages'))), None)


def installed(venv: Path) -> dict[str, str]:
    """Package name to version of all that a virtual environment holds."""
    site = site_packages(venv)
    found = {}
    for info in sorted(site.glob('*.dist-info')) if site else ():
        name, _, version = info.name.removesuffix('.dist-info').rpartition('-')
        found[normalise(name)] = version
    return found


def deviations(venv: Path, mode: str) -> list[str]:
    """Packages of a mode that are missing, and pinned ones with another version."""
    have, pinned = installed(venv), pins()
    needed = {project(line) for lines in wanted(mode).values() for line in lines}
    needed |= {mmcv_name(mode), 'peco'}
    found = [f'{name} is missing' for name in sorted(needed - have.keys())]
    for name in sorted(pinned.keys() & have.keys()):
        # A local suffix as in 2.14.1+cpu names a build of the same release.
        if have[name].split('+')[0] != pinned[name]:
            found.append(f'{name} is {have[name]}, tested is {pinned[name]}')
    return found


def _record(info: Path) -> dict[str, int]:
    """Path to length of the files that a ``.dist-info`` folder records."""
    try:
        with (info / 'RECORD').open(encoding='utf-8', newline='') as record:
            return {path: int(size) for path, _, size in csv.reader(record) if size}
    except (FileNotFoundError, ValueError):
        return {}


def _is_whole(info: Path, record: dict[str, int]) -> bool:
    """Whether every recorded file is there in full length."""
    if not all((info / name).is_file() for name in ('METADATA', 'INSTALLER', 'RECORD')):
        return False
    try:
        return all((info.parent / path).stat().st_size == size for path, size in record.items())
    except FileNotFoundError:
        return False


def forget_broken(venv: Path) -> list[str]:
    """Drop the metadata of half-installed packages, so that pip installs them anew.

    Returns:
        The names of the dropped packages.
    """
    site = site_packages(venv)
    if site is None:
        return []
    for leftover in site.glob('~*'):
        shutil.rmtree(leftover, ignore_errors=True)
    records = {info: _record(info) for info in sorted(site.glob('*.dist-info'))}
    # Some distributions carelessly ship the same file, such as tests/__init__.py.
    owners = Counter(path for record in records.values() for path in record)
    dropped = []
    for info, record in records.items():
        if not _is_whole(info, {path: record[path] for path in record if owners[path] == 1}):
            dropped.append(info.name.removesuffix('.dist-info').rpartition('-')[0])
            shutil.rmtree(info)
    return dropped


def version_of_python(venv: Path) -> str:
    """``3.11`` of a virtual environment, from its folder."""
    site = site_packages(venv)
    return site.parent.name.removeprefix('python') if site else ''
