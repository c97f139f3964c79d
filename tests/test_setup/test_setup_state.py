import shutil
import threading
import time

import pytest

from tests.test_setup.setup_parts import executable, load_main


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


def test_second_run_waits_for_the_lock(tmp_path, capsys):

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
