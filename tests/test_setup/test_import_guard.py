import importlib.metadata
import importlib.util
import subprocess
import sys
import textwrap

import pytest

from peco.utils.environment import check_mmcv


def run(code):
    return subprocess.run([sys.executable, '-c', textwrap.dedent(code)], capture_output=True,
                          text=True, timeout=120)


def test_import_names_the_command():
    answer = run('''
        import importlib.metadata, importlib.util
        version, find_spec = importlib.metadata.version, importlib.util.find_spec
        names = []
        def fake_version(name):
            if name in ('mmcv', 'mmcv-lite') and name not in names:
                raise importlib.metadata.PackageNotFoundError(name)
            return '2.1.0' if name in names else version(name)
        importlib.metadata.version = fake_version
        importlib.util.find_spec = lambda name, package=None: (
            None if name == 'mmcv' and not names else find_spec(name, package))
        for names in [], ['mmcv', 'mmcv-lite']:
            try:
                import peco
            except ImportError as error:
                print('LINE', error)
    ''')
    assert answer.returncode == 0, answer.stderr
    neither, both = [line for line in answer.stdout.splitlines() if line.startswith('LINE')]
    for part in ('PeCo needs mmcv', 'bash tools/setup_env.sh --full', 'setup_env.sh --lite'):
        assert part in neither
    for part in ('both installed', 'pip uninstall -y mmcv mmcv-lite', 'setup_env.sh --lite'):
        assert part in both


def test_core_imports_without_dense_packages_and_loads_checkpoints_safely():
    answer = run('''
        import sys
        sys.modules['mmdet'] = sys.modules['mmseg'] = None
        import peco, torch
        print('TYPES', len(torch.serialization.get_safe_globals()))
        import peco.models, peco.datasets, peco.evaluation, peco.engine
    ''')
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout.split('TYPES')[1].split()[0]) > 0


def pretend(monkeypatch, names, spec):
    def version(name):
        if name not in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return '2.1.0'
    monkeypatch.setattr(importlib.metadata, 'version', version)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)


@pytest.mark.parametrize('names', [('mmcv', ), ('mmcv-lite', ), ()])
def test_one_or_a_source_checkout_is_accepted(monkeypatch, names):
    pretend(monkeypatch, names, spec=object())
    check_mmcv()


def test_metadata_without_its_folder_is_refused(monkeypatch):
    pretend(monkeypatch, ('mmcv-lite', ), spec=None)
    with pytest.raises(ImportError, match='pip uninstall -y mmcv-lite'):
        check_mmcv()
