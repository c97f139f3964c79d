from pathlib import Path

import pytest

from tests.test_setup.setup_parts import executable, load_main


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
