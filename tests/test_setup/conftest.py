import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='session', autouse=True)
def setup_modules():
    """The set-up's modules import each other as top-level names, as when it runs."""
    sys.path.insert(0, str(ROOT / 'tools' / 'setup'))
    yield
    sys.path.remove(str(ROOT / 'tools' / 'setup'))


@pytest.fixture
def fake_venv(tmp_path):
    """A virtual environment of nothing but package metadata: name to version."""
    def make(packages: dict[str, str], python: str = '3.11') -> Path:
        venv = tmp_path / '.venv'
        site = venv / 'lib' / f'python{python}' / 'site-packages'
        site.mkdir(parents=True, exist_ok=True)
        for name, version in packages.items():
            info = site / f'{name.replace("-", "_")}-{version}.dist-info'
            info.mkdir()
            (info / 'METADATA').write_text(f'Name: {name}\nVersion: {version}\n')
            (info / 'INSTALLER').write_text('pip\n')
            (info / 'RECORD').write_text('')
        return venv
    return make


@pytest.fixture
def gpu(monkeypatch):
    """Let a main module see a GPU, or none."""
    def pretend(main, present):
        monkeypatch.setattr(main, 'gpu_present', lambda: present)
        return main
    return pretend
