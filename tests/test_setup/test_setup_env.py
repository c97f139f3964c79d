import shutil
import subprocess
import sys

import pytest

from tests.test_setup.setup_parts import ROOT, executable


@pytest.fixture
def checkout(tmp_path):
    """A copy of the set-up script with a stand-in for the part that it starts."""
    root = tmp_path / 'checkout'
    (root / 'tools' / 'setup').mkdir(parents=True)
    shutil.copy(ROOT / 'tools' / 'setup_env.sh', root / 'tools')
    (root / 'tools' / 'setup' / '__main__.py').write_text(
        'import sys; print("set up", sys.argv[1:])')
    return root


def python_of(version, venv=True):
    """Shell text of a Python that says it has this version; any other code runs for real."""
    return (f'case "$2" in *version_info*) echo {version};; '
            f'*ensurepip*) exit {0 if venv else 1};; *) exec {sys.executable} "$@";; esac')


def run(checkout, *arguments, bin_folder, **env):
    environment = {'PATH': f'{bin_folder}:{checkout.parent / "system"}', **env}
    system = checkout.parent / 'system'
    if not system.exists():
        system.mkdir()
        for name in ('bash', 'dirname'):
            (system / name).symlink_to(shutil.which(name))
    return subprocess.run([shutil.which('bash'), checkout / 'tools' / 'setup_env.sh', *arguments],
                          capture_output=True, text=True, env=environment, timeout=60)


def test_unsupported_python_is_refused_in_one_line(checkout, tmp_path):
    executable(tmp_path / 'bin' / 'python3', python_of('3.9'))
    answer = run(checkout, bin_folder=tmp_path / 'bin')
    assert answer.returncode == 2 and answer.stdout == ''
    assert len(answer.stderr.strip().splitlines()) == 1
    assert '3.11 or 3.12' in answer.stderr and 'python3 is 3.9' in answer.stderr


def test_no_python_at_all(checkout, tmp_path):
    answer = run(checkout, bin_folder=tmp_path / 'bin')
    assert answer.returncode == 2 and 'found: none' in answer.stderr


@pytest.mark.parametrize('version', ['3.10', '3.13', '2.7'])
def test_named_python_is_refused_even_beside_a_good_one(checkout, tmp_path, version):
    executable(tmp_path / 'bin' / 'python3.11', python_of('3.11'))
    named = executable(tmp_path / 'other' / 'python', python_of(version))
    answer = run(checkout, bin_folder=tmp_path / 'bin', PYTHON=str(named))
    assert answer.returncode == 2
    assert f'PYTHON={named} is {version}' in answer.stderr


def test_supported_python_is_found_past_others_and_gets_the_arguments(checkout, tmp_path):
    executable(tmp_path / 'bin' / 'python3.11', 'echo "python3.11: command not found"; exit 127')
    executable(tmp_path / 'bin' / 'python3.12', python_of('3.12'))
    answer = run(checkout, '--lite', '--quiet', bin_folder=tmp_path / 'bin')
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "set up ['--lite', '--quiet']"


def test_python_without_venv_says_what_to_install(checkout, tmp_path):
    executable(tmp_path / 'bin' / 'python3', python_of('3.11', venv=False))
    answer = run(checkout, bin_folder=tmp_path / 'bin')
    assert answer.returncode == 2 and 'apt install python3.11-venv' in answer.stderr


@pytest.mark.parametrize('script, target', [
    ('quickstart.sh', 'tools/quickstart.py'), ('run_tests.sh', '-m pytest -n 2'),
])
@pytest.mark.parametrize('setup_code, expected', [(0, 7), (3, 3)])
def test_wrappers_set_up_then_pass_arguments_and_exit_code(
        tmp_path, script, target, setup_code, expected):
    root = tmp_path / 'a checkout'
    executable(root / 'tools' / 'setup_env.sh', f'exit {setup_code}')
    shutil.copy(ROOT / 'tools' / script, root / 'tools')
    executable(root / '.venv' / 'bin' / 'python', 'echo "$@"; exit 7')
    answer = subprocess.run(['bash', root / 'tools' / script, '--flag', 'two words'],
                            capture_output=True, text=True, timeout=60)
    assert answer.returncode == expected
    if setup_code == 0:
        assert target in answer.stdout and answer.stdout.strip().endswith('--flag two words')
