import os

import torch

from peco.utils.ask_cuda import NVML_CHECK, ask_cuda
from peco.utils.run_in_child import run_in_child


def fill(mib):
    """Touch memory, and tell the number of threads, and whether NVML would be asked for GPUs."""
    held = torch.ones(mib * 2**18)
    return torch.get_num_threads(), held[-1].item(), NVML_CHECK in os.environ


def test_a_child_tells_its_own_peak_and_has_the_threads_it_was_given(monkeypatch):
    monkeypatch.setenv(NVML_CHECK, '1')
    held = torch.ones(1500 * 2**18)
    (threads, value, asks_nvml), peak = run_in_child(fill, 250, threads=1)
    assert (threads, value, asks_nvml) == (1, 1., False) and len(held)
    assert os.environ[NVML_CHECK] == '1'
    # Libraries come on top; what this process holds does not.
    assert 250 < peak < 1500


def test_cuda_is_asked_where_nothing_else_was_said(monkeypatch):
    monkeypatch.delenv(NVML_CHECK, raising=False)
    ask_cuda()
    assert NVML_CHECK not in os.environ
