import tarfile

import pytest

SETUP = '''
extra = {'cxx': ['-std=c++14'] if old else ['-std=c++17']}
extra['nvcc'] += ['-std=c++17']
windows = ['/std:c++14']
newer = '-std=c++23'
other = '-std=c17 c++17'
'''

FACTS = dict(torch='2.14.1+cu130', torch_folder='', cuda='13.0', cuda_available=True,
             arch_list='8.0;9.0', nvcc='13.0', python='3.11', tag='cp311', include='',
             machine='x86_64')


def test_flags_below_the_standard_are_raised():
    from mmcv_wheel import raise_standard
    text, count = raise_standard(SETUP, 20)
    assert count == 4
    assert text.count('-std=c++20') == 3 and '/std:c++20' in text
    assert "'-std=c++23'" in text and "'-std=c17 c++17'" in text


def test_a_raised_text_stays_as_it_is():
    from mmcv_wheel import raise_standard
    text, _ = raise_standard(SETUP, 20)
    assert raise_standard(text, 20) == (text, 0)


def test_standard_of_the_installed_torch():
    from pathlib import Path

    import torch
    from mmcv_wheel import required_standard
    version = tuple(int(part) for part in torch.__version__.split('.')[:2])
    assert required_standard(Path(torch.__file__).parent) == (20 if version >= (2, 14) else 17)


@pytest.mark.parametrize('file, text, expected', [
    ('utils/cpp_extension.py', "flags.append('-std=c++17')  # not c++14", 17),
    ('utils/cpp_extension.py', "'-std=c++20'", 20),
    ('include/c10/util/C++17.h', '#error You need C++23 to compile PyTorch', 23),
    ('include/c10/util/C++17.h', '// C++17 helpers', None),
    ('version.py', '-std=c++20', None),
])
def test_standard_is_found_where_torch_says_it(tmp_path, file, text, expected):
    from mmcv_wheel import required_standard
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert required_standard(tmp_path) == expected


@pytest.mark.parametrize('cuda, env, gigabytes, cores, expected', [
    (False, {}, 64, 8, 8), (False, {}, 4, 8, 2), (True, {}, 12, 8, 4), (False, {}, 0.5, 8, 1),
    (False, {'MAX_JOBS': '3'}, 64, 8, 3),
])
def test_jobs(cuda, env, gigabytes, cores, expected):
    from mmcv_wheel import parallel_jobs
    assert parallel_jobs(cuda, env, int(gigabytes * 2**30), cores) == expected


def test_kept_wheels_are_apart_by_all_that_matters(tmp_path):
    from mmcv_wheel import wheel_folder
    env = {'XDG_CACHE_HOME': str(tmp_path)}
    folders = {wheel_folder(facts, '2.1.0', cuda, env) for facts in (
        FACTS, {**FACTS, 'torch': '2.13.0'}, {**FACTS, 'tag': 'cp312'},
        {**FACTS, 'arch_list': '7.0'}) for cuda in (False, True)}
    # Without CUDA the GPU's architecture does not matter.
    assert len(folders) == 7
    assert all(folder.parent == tmp_path / 'peco' / 'wheels' for folder in folders)


def test_cpu_build_sees_no_gpu_and_cuda_build_is_forced():
    from mmcv_wheel import build_environment
    cpu = build_environment(FACTS, False, {'CFLAGS': '-O1'})
    assert cpu['FORCE_CUDA'] == '0' and cpu['CUDA_VISIBLE_DEVICES'] == ''
    assert cpu['CFLAGS'] == '-O1 -g0' and cpu['MMCV_WITH_OPS'] == '1'
    cuda = build_environment(FACTS, True, {})
    assert cuda['FORCE_CUDA'] == '1' and cuda['TORCH_CUDA_ARCH_LIST'] == '8.0;9.0'
    assert 'CUDA_VISIBLE_DEVICES' not in cuda


@pytest.mark.parametrize('change, parts', [
    ({'nvcc': None}, ('nvcc', 'was not found', 'cuda-toolkit-13-0')),
    ({'nvcc': '12.4'}, ('CUDA 12.4', 'CUDA 13.0', 'cuda-toolkit-13-0')),
    ({'cuda': None}, ('without CUDA', )),
    ({'cuda_available': False}, ('driver', )),
])
def test_what_cuda_ops_lack_is_named(change, parts):
    from console import SetupError
    from mmcv_wheel import check_nvcc
    with pytest.raises(SetupError) as error:
        check_nvcc({**FACTS, **change})
    for part in (*parts, '--cpu-ops'):
        assert part in str(error.value)


def test_matching_nvcc_is_accepted():
    from mmcv_wheel import check_nvcc
    check_nvcc({**FACTS, 'nvcc': '13.2'})


def test_missing_compiler_and_headers_are_named(tmp_path):
    from console import SetupError
    from mmcv_wheel import check_compiler
    with pytest.raises(SetupError, match='apt install g'):
        check_compiler(FACTS, {'PATH': str(tmp_path)})
    compiler = tmp_path / 'c++'
    compiler.write_text('#!/bin/sh\n')
    compiler.chmod(0o755)
    with pytest.raises(SetupError, match='python3.11-dev'):
        check_compiler({**FACTS, 'include': str(tmp_path)}, {'PATH': str(tmp_path)})


class FakeConsole:
    """Plays pip and the compiler: a source package, then a wheel."""

    def __init__(self, work, fail=False):
        self.work, self.fail, self.commands = work, fail, []

    def note(self, text):
        pass

    def run(self, command, env=None, cwd=None, hold=None):
        self.commands.append([str(part) for part in command])
        if 'download' in command:
            source = self.work / 'mmcv-2.1.0'
            source.mkdir(exist_ok=True)
            (source / 'setup.py').write_text(SETUP)
            target = command[command.index('--dest') + 1]
            with tarfile.open(f'{target}/mmcv-2.1.0.tar.gz', 'w:gz') as tar:
                tar.add(source, 'mmcv-2.1.0')
            return
        assert '-std=c++20' in (cwd / 'setup.py').read_text()
        if self.fail:
            (cwd / 'compiled.o').touch()
            raise KeyboardInterrupt
        (cwd / 'dist').mkdir()
        (cwd / 'dist' / 'mmcv-2.1.0-cp311-cp311-linux_x86_64.whl').write_text('wheel')


@pytest.fixture
def build(tmp_path, monkeypatch):
    import mmcv_wheel
    monkeypatch.setattr(mmcv_wheel, 'check_compiler', lambda facts, env: None)
    torch_folder = tmp_path / 'torch' / 'utils'
    torch_folder.mkdir(parents=True)
    (torch_folder / 'cpp_extension.py').write_text('-std=c++20')
    facts = {**FACTS, 'torch_folder': str(torch_folder.parent)}
    env = {'XDG_CACHE_HOME': str(tmp_path / 'cache')}

    def run(console):
        return mmcv_wheel.mmcv_wheel('python', '2.1.0', facts, False, console, env)
    return run


def test_wheel_is_built_once_and_kept(tmp_path, build):
    first, second = FakeConsole(tmp_path), FakeConsole(tmp_path)
    wheel = build(first)
    assert wheel.read_text() == 'wheel' and len(first.commands) == 2
    assert not (wheel.parent / 'source').exists()
    assert build(second) == wheel and second.commands == []


def test_stopped_build_goes_on_from_its_files(tmp_path, build):
    with pytest.raises(KeyboardInterrupt):
        build(FakeConsole(tmp_path, fail=True))
    again = FakeConsole(tmp_path)
    wheel = build(again)
    assert wheel.is_file()
    assert [command[1] for command in again.commands] == ['setup.py']


def test_half_unpacked_source_is_not_taken_for_whole(tmp_path, build):
    wheel = build(FakeConsole(tmp_path))
    wheel.unlink()
    half = wheel.parent / 'unpack-stopped' / 'mmcv-2.1.0'
    half.mkdir(parents=True)
    again = FakeConsole(tmp_path)
    assert build(again).is_file() and len(again.commands) == 2
