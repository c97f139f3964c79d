import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/bash\n{text}\n')
    path.chmod(0o755)
    return path


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


def load_main():
    import importlib.util
    spec = importlib.util.spec_from_file_location('peco_setup_main',
                                                  ROOT / 'tools' / 'setup' / '__main__.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_mmcv_are_refused_with_the_commands(fake_venv):
    from console import SetupError
    venv = fake_venv({'mmcv': '2.1.0', 'mmcv-lite': '2.1.0'})
    with pytest.raises(SetupError) as error:
        load_main().check_venv(venv)
    assert f'{venv}/bin/python -m pip uninstall -y mmcv mmcv-lite' in str(error.value)
    assert 'bash tools/setup_env.sh --full' in str(error.value)


def test_venv_of_another_python_is_refused(fake_venv):
    from console import SetupError
    with pytest.raises(SetupError, match='holds Python 3.9'):
        load_main().check_venv(fake_venv({}, python='3.9'))


def test_one_mmcv_or_no_venv_is_accepted(fake_venv, tmp_path):
    load_main().check_venv(fake_venv({'mmcv': '2.1.0'}))
    load_main().check_venv(tmp_path / 'nothing')


def test_relative_wheel_folders_are_those_of_the_caller(tmp_path):
    main = load_main()
    resolved = main.absolute_find_links('../wheels /abs https://example.org/w', tmp_path / 'here')
    assert resolved.split() == [str(tmp_path / 'here' / '../wheels'), '/abs',
                                'https://example.org/w']


def complete(mode):
    """Name to version of all that a mode installs."""
    import packages
    lines = [line for group in packages.wanted(mode).values() for line in group]
    pinned = packages.pins()
    return {**{packages.project(line): pinned[packages.project(line)] for line in lines},
            packages.mmcv_name(mode): '2.1.0', 'peco': '0.1.0'}


@pytest.fixture
def ready(fake_venv):
    """A finished environment (on paper) and its stamp."""
    import state

    def make(mode='full', ops='cpu', packages=None):
        venv = fake_venv(complete(mode) if packages is None else packages)
        executable(venv / 'bin' / 'python', 'exit 0')
        state.write(venv, state='ready', mode=mode, ops=ops, cpu_ops=False,
                    key=state.key(mode, '3.11'))
        return venv, state.read(venv)
    return make


@pytest.fixture
def gpu(monkeypatch):
    def pretend(main, present):
        monkeypatch.setattr(main, 'gpu_present', lambda: present)
        return main
    return pretend


@pytest.mark.parametrize('mode, ops', [('full', 'cpu'), ('full', 'cuda'), ('lite', 'none')])
def test_stamp_of_a_finished_environment_is_fresh(ready, gpu, mode, ops):
    main = gpu(load_main(), False)
    venv, stamp = ready(mode, ops)
    assert main.is_fresh(venv, stamp, mode, False)


@pytest.mark.parametrize(
    'change', ['other mode', 'stopped', 'no python', 'requirements', 'package'])
def test_stamp_is_stale_after(ready, gpu, monkeypatch, tmp_path, change):
    import packages
    main = gpu(load_main(), False)
    venv, stamp = ready('full')
    mode = 'lite' if change == 'other mode' else 'full'
    if change == 'stopped':
        stamp['state'] = 'installing'
    elif change == 'no python':
        (venv / 'bin' / 'python').unlink()
    elif change == 'requirements':
        shutil.copytree(packages.REQUIREMENTS, tmp_path / 'requirements')
        with (tmp_path / 'requirements' / 'constraints.txt').open('a') as file:
            file.write('# another\n')
        monkeypatch.setattr(packages, 'REQUIREMENTS', tmp_path / 'requirements')
    elif change == 'package':
        shutil.rmtree(next(venv.glob('lib/*/site-packages/timm-*.dist-info')))
    assert not main.is_fresh(venv, stamp, mode, False)


def test_cpu_ops_are_never_taken_silently_beside_a_gpu(ready, gpu):
    main = gpu(load_main(), True)
    venv, stamp = ready('full', 'cpu')
    assert not main.is_fresh(venv, stamp, 'full', cpu_ops=False)
    assert main.is_fresh(venv, stamp, 'full', cpu_ops=True)


def test_deviation_from_the_tested_set_is_named(fake_venv):
    import packages
    versions = {**complete('full'), 'timm': '0.9.0', 'torch': '2.14.1+cpu'}
    del versions['rich']
    found = packages.deviations(fake_venv(versions), 'full')
    assert found == ['rich is missing', f'timm is 0.9.0, tested is {packages.pins()["timm"]}']


def test_half_installed_packages_are_forgotten(fake_venv):
    import packages
    venv = fake_venv({'whole': '1.0', 'cut': '1.0', 'unfinished': '1.0'})
    site = packages.site_packages(venv)
    (site / 'whole.py').write_text('12345')
    (site / 'cut.py').write_text('123')
    (site / 'whole-1.0.dist-info' / 'RECORD').write_text('whole.py,sha256=x,5\nwhole.pyc,,\n')
    (site / 'cut-1.0.dist-info' / 'RECORD').write_text('cut.py,sha256=x,5\n')
    (site / 'unfinished-1.0.dist-info' / 'INSTALLER').unlink()
    (site / '~ld').mkdir()
    # The same file in two distributions, one of which wrote it last, breaks neither.
    for name, size in ('one', 3), ('two', 5):
        venv = fake_venv({name: '1.0'})
        (site / f'{name}-1.0.dist-info' / 'RECORD').write_text(f'whole.py,sha256=x,{size}\n')
    assert packages.forget_broken(venv) == ['cut', 'unfinished']
    assert set(packages.installed(venv)) == {'whole', 'one', 'two'} and not (site / '~ld').exists()


@pytest.mark.parametrize('text', ['', '{"state": "rea', 'null', '\x00'])
def test_unreadable_stamp_counts_as_none(tmp_path, text):
    import state
    (tmp_path / state.STAMP).write_text(text)
    assert state.read(tmp_path) == {}


class Recorder:
    """Stands in for the steps' commands."""

    def __init__(self):
        self.log = Path('log')

    def step(self, title):
        pass

    note = step


@pytest.fixture
def setup(monkeypatch, fake_venv, gpu):
    """A Setup whose pip and nms only answer; ``works`` are the answers of nms in turn."""
    def make(mode, packages_there, works=(), has_gpu=False, cpu_ops=False, ready_wheel=True):
        main = gpu(load_main(), has_gpu)
        one = main.Setup(fake_venv(packages_there), mode, cpu_ops, 0, Recorder())
        one.calls, one.devices, answers = [], [], list(works)

        def pip(*arguments, check=True, constrained=True):
            one.calls.append(' '.join(map(str, arguments)))
            return ready_wheel or check
        monkeypatch.setattr(one, 'pip', pip)

        def nms_works(device):
            one.devices.append(device)
            return answers.pop(0)
        monkeypatch.setattr(one, 'nms_works', nms_works)
        monkeypatch.setattr(one, 'facts', lambda: dict(
            torch='2.14.1', cuda='13.0', cuda_available=True, nvcc='13.0'))

        def wheel(python, version, facts, cuda, console, env):
            one.calls.append(f'build cuda={cuda}')
            return 'built.whl'
        monkeypatch.setattr(main, 'mmcv_wheel', wheel)
        return one
    return make


def test_mmcv_that_works_is_left_alone(setup):
    one = setup('full', {'mmcv': '2.1.0'}, works=[True])
    assert one.install_mmcv() == 'cpu' and one.calls == []


def test_ready_wheel_is_taken_where_its_ops_work(setup):
    one = setup('full', {}, works=[True])
    assert one.install_mmcv() == 'cpu'
    assert len(one.calls) == 1 and '--only-binary mmcv mmcv==2.1.0' in one.calls[0]


def test_cpu_only_wheel_is_replaced_by_a_build_beside_a_gpu(setup):
    one = setup('full', {'mmcv': '2.1.0'}, works=[False, False, True], has_gpu=True)
    assert one.install_mmcv() == 'cuda'
    assert one.devices == ['cuda'] * 3
    assert one.calls[1:3] == ['uninstall --yes mmcv', 'build cuda=True']
    assert one.calls[3].endswith('built.whl')


def test_cpu_ops_beside_a_gpu_when_asked_for(setup):
    one = setup('full', {}, works=[True], has_gpu=True, cpu_ops=True)
    assert one.install_mmcv() == 'cpu' and one.devices == ['cpu']


def test_without_a_ready_wheel_one_is_built(setup):
    one = setup('full', {}, works=[True], ready_wheel=False)
    assert one.install_mmcv() == 'cpu' and one.calls[1] == 'build cuda=False'


def test_build_whose_ops_fail_is_an_error(setup):
    from console import SetupError
    one = setup('full', {}, works=[False, False], has_gpu=True)
    with pytest.raises(SetupError, match='does not run on cuda.*\n.*--cpu-ops'):
        one.install_mmcv()


def test_missing_nvcc_stops_before_the_build(setup, monkeypatch):
    from console import SetupError
    one = setup('full', {}, has_gpu=True, ready_wheel=False)
    monkeypatch.setattr(one, 'facts', lambda: dict(
        torch='2.14.1', cuda='13.0', cuda_available=True, nvcc=None))
    with pytest.raises(SetupError, match='nvcc'):
        one.install_mmcv()
    assert not any('build' in call for call in one.calls)


@pytest.mark.parametrize('mode, there, gone', [
    ('lite', {'mmcv': '2.1.0', 'mmdet': '3.3.0', 'timm': '1'}, 'uninstall --yes mmcv mmdet'),
    ('full', {'mmcv-lite': '2.1.0', 'timm': '1'}, 'uninstall --yes mmcv-lite'),
    ('full', {'mmcv': '2.1.0', 'mmdet': '3.3.0'}, None),
])
def test_switching_takes_the_other_mode_out(setup, mode, there, gone):
    one = setup(mode, there)
    one.leave_other_mode()
    assert one.calls == ([gone] if gone else [])


def test_gui_opencv_gives_way_to_a_whole_headless_one(setup):
    one = setup('full', {'opencv-python': '5', 'opencv-python-headless': '5'})
    one.keep_one_opencv()
    assert one.calls[0] == 'uninstall --yes opencv-python'
    assert '--force-reinstall' in one.calls[1] and 'opencv-python-headless' in one.calls[1]


@pytest.mark.parametrize('text, present', [('GPU 0: Card (UUID: x)', True), ('', False)])
def test_gpu_is_seen_through_nvidia_smi(tmp_path, text, present):
    from gpu import gpu_present
    if any(Path('/dev').glob('nvidia[0-9]*')):
        pytest.skip('this machine has a GPU of its own')
    executable(tmp_path / 'nvidia-smi', f'echo "{text}"')
    assert gpu_present({'PATH': str(tmp_path)}) is present
    assert not gpu_present({'PATH': str(tmp_path), 'CUDA_VISIBLE_DEVICES': ''})


def test_activity_counts_compiled_files():
    from console import activity
    assert activity('a\n[1/100] c++ a\n[25/100] c++ b\nwarning: old', 50.) == (
        '25/100 files compiled, about 150 s left')
    assert activity('Collecting timm\n  Downloading timm.whl\n') == 'Downloading timm.whl'
    assert activity('') == 'at work'


def test_failing_command_shows_the_end_of_its_output(tmp_path):
    from console import Console, SetupError
    console = Console(1, tmp_path / 'log')
    with pytest.raises(SetupError, match='the cause[^$]*exit code 3'):
        console.run(['bash', '-c', 'echo the cause; exit 3'])
    assert console.run(['false'], check=False) is False


def test_a_stopped_set_up_stops_its_command_too(tmp_path):
    code = (f'import sys, signal; sys.path.insert(0, {str(ROOT / "tools" / "setup")!r})\n'
            'from pathlib import Path; from console import Console\n'
            'signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n'
            f'Console(1, Path({str(tmp_path / "log")!r})).run(["bash", "-c", '
            f'"echo $$ > {tmp_path}/pid; sleep 100; true"])')
    process = subprocess.Popen([sys.executable, '-c', code])
    pid = tmp_path / 'pid'
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(pid.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_second_run_waits_for_the_lock(tmp_path, capsys):
    import threading

    import state
    entered = []

    def second():
        with state.lock(tmp_path / 'lock', 'waiting for the first'):
            entered.append(True)
    with state.lock(tmp_path / 'lock', 'unused'):
        thread = threading.Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 60
        while 'waiting for the first' not in capsys.readouterr().out:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not entered
    thread.join(timeout=60)
    assert entered
