import re
from pathlib import Path

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.stem for path in (ROOT / 'requirements').glob('*.txt')
               if path.stem != 'constraints')


def normalise(name):
    return re.sub(r'[-_.]+', '-', name).lower()


@pytest.fixture(scope='module')
def metadata():
    """The keywords with which setup.py calls ``setup``."""
    caught = {}
    patch = pytest.MonkeyPatch()
    patch.setattr(setuptools, 'setup', caught.update)
    patch.chdir(ROOT)
    exec(compile((ROOT / 'setup.py').read_text(), str(ROOT / 'setup.py'), 'exec'),
         {'__file__': str(ROOT / 'setup.py'), '__name__': 'setup'})
    patch.undo()
    return caught


@pytest.fixture(scope='module')
def lock():
    import packages
    return packages.pins()


def names(lines):
    return {normalise(Requirement(line).name) for line in lines}


def test_core_depends_on_neither_mmcv_nor_dense_packages(metadata):
    core = names(metadata['install_requires'])
    assert {'torch', 'torchvision', 'mmengine', 'mmpretrain', 'timm', 'lpips'} <= core
    assert not core & {'mmcv', 'mmcv-lite', 'mmdet', 'mmsegmentation'}
    every = names([line for extra in metadata['extras_require'].values() for line in extra])
    assert not every & {'mmcv', 'mmcv-lite'}


def test_setuptools_keeps_pkg_resources(metadata):
    line = next(line for line in metadata['install_requires'] if 'setuptools' in line)
    assert not Requirement(line).specifier.contains('81.0')


def test_extras(metadata):
    extras = {name: names(lines) for name, lines in metadata['extras_require'].items()}
    assert set(extras) == {'dense', 'tests', 'dev'}
    assert {'mmdet', 'mmsegmentation', 'ftfy', 'regex', 'pycocotools'} <= extras['dense']
    assert 'pytest' in extras['tests']
    assert extras['tests'] < extras['dev'] and 'ruff' in extras['dev']


def test_python_range(metadata):
    supported = SpecifierSet(metadata['python_requires'])
    assert [minor for minor in range(8, 16) if f'3.{minor}' in supported] == [11, 12]


def test_only_peco_is_packaged(metadata):
    assert 'peco.models.utils' in metadata['packages']
    assert all(name.split('.')[0] == 'peco' for name in metadata['packages'])


def test_version_is_that_of_the_package(metadata):
    import peco
    assert metadata['version'] == peco.__version__ == '0.1.0'


@pytest.mark.parametrize('name', FILES)
def test_constraints_cover_and_satisfy_every_requirement(name, lock):
    import packages
    for line in packages.read_requirements(name):
        requirement = Requirement(line)
        pinned = lock.get(normalise(requirement.name))
        assert pinned, f'{line} of {name}.txt is not pinned'
        assert requirement.specifier.contains(pinned), f'{line} excludes the tested {pinned}'


def test_constraints_pin_exactly_and_once():
    import packages
    lines = packages.read_requirements('constraints')
    assert all(re.fullmatch(r'[a-z0-9.-]+==[\w.+!]+', line) for line in lines), lines
    assert len({packages.project(line) for line in lines}) == len(lines)


def test_constraints_are_closed_over_installed_dependencies(lock):
    """A dependency without a pin would float: every one of the tested set has its own."""
    import importlib.metadata
    # torch pins these itself; mmengine's GUI build of OpenCV is replaced by the headless one.
    free = re.compile(r'nvidia-.*|cuda-.*|triton|opencv-python')
    for name in lock:
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            if requirement.marker is None or requirement.marker.evaluate({'extra': ''}):
                child = normalise(requirement.name)
                assert child in lock or free.fullmatch(child), f'{name} needs {child}: no pin'


def test_modes():
    import packages
    full, lite = packages.wanted('full'), packages.wanted('lite')
    assert names(full['openmmlab']) == {'mmengine', 'mmpretrain', 'mmdet', 'mmsegmentation'}
    assert names(lite['openmmlab']) == {'mmengine', 'mmpretrain'}
    assert names(full['torch']) == {'torch', 'torchvision'}
    assert not names(lite['libraries']) & {'pycocotools', 'ftfy', 'torch', 'mmengine'}
    assert 'opencv-python-headless' in names(lite['libraries'])
    assert 'opencv-python' not in names(full['libraries'])


def test_licence_is_apache():
    text = (ROOT / 'LICENSE').read_text()
    assert 'Apache License' in text and 'END OF TERMS AND CONDITIONS' in text
