from contextlib import nullcontext

import pytest
import torch

from peco.engine.pipeline import bf16_is_native, command_line, run_from_command_line


class _Pipeline:

    def __init__(self, amp, code=7):
        self.amp, self.redone, self.until, self.code = amp, None, None, code

    def index(self, name):
        assert self.redone is None
        if name == 'typo':
            raise ValueError("no stage 'typo'")

    def redo(self, name):
        self.redone = name
        return [name, f'{name}-test']

    def run(self, until=None):
        self.until = until
        return self.code


@pytest.mark.parametrize('amp, expected', [('on', True), ('off', False), ('auto', None)])
def test_runs_the_pipeline_in_the_wanted_precision(amp, expected, capsys):
    made = []

    def make(in_bf16):
        made.append(_Pipeline(in_bf16))
        return made[0]

    assert run_from_command_line(make, amp=amp, redo='a', until='b') == 7
    assert made[0].amp is (bf16_is_native() if expected is None else expected)
    assert (made[0].redone, made[0].until) == ('a', 'b')
    assert capsys.readouterr().out == 'moved aside, to be made again: a, a-test\n'


def test_nothing_is_moved_for_a_stage_that_does_not_exist(capsys):
    pipeline = _Pipeline(False)
    assert run_from_command_line(lambda amp: pipeline, redo='a', until='typo') == 2
    assert pipeline.redone is None and capsys.readouterr().err == "error: no stage 'typo'\n"


@pytest.mark.parametrize('majors, expected', [((8, 9), True), ((9, 7), False)])
def test_a_gpu_without_bfloat16_trains_in_float32(monkeypatch, majors, expected):
    current = []
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: len(majors))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device', lambda index: nullcontext(current.append(index)))
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported',
                        lambda including_emulation: majors[current[-1]] >= 8)
    monkeypatch.setattr(command_line, 'run_in_child', lambda function: (function(), 0.))
    assert bf16_is_native() is expected


def test_a_gpu_that_cuda_cannot_use_has_no_bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)  # NVML's number
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(command_line, 'run_in_child', lambda function: (function(), 0.))
    assert bf16_is_native() is False


@pytest.mark.parametrize('code, finished', [(0, True), (7, False)])
def test_the_end_is_told_of_a_run_that_went_well(code, finished):
    pipeline, seen = _Pipeline(False, code), []
    assert run_from_command_line(lambda amp: pipeline, finish=seen.append) == code
    assert seen == ([pipeline] if finished else [])


def test_a_bad_pipeline_is_one_line_and_exit_code_2(capsys):

    def make(amp):
        raise ValueError("no stage 'x'")

    assert run_from_command_line(make) == 2
    assert capsys.readouterr().err == "error: no stage 'x'\n"
