import os

import torch

from peco.utils.ask_cuda import NVML_CHECK
from peco.utils.run_in_child import run_in_child


def fill(mib):
    """Touch memory, and tell the number of threads."""
    held = torch.ones(mib * 2**18)
    return torch.get_num_threads(), held[-1].item()


def test_a_child_tells_its_own_peak_and_has_the_threads_it_was_given():
    held = torch.ones(1500 * 2**18)
    (threads, value), peak = run_in_child(fill, 250, threads=1)
    assert (threads, value) == (1, 1.) and len(held)
    # Libraries come on top; what this process holds does not.
    assert 250 < peak < 1500


def asks_nvml():
    return NVML_CHECK in os.environ


def test_a_child_asks_cuda_itself(monkeypatch):
    monkeypatch.setenv(NVML_CHECK, '1')
    assert run_in_child(asks_nvml)[0] is False and asks_nvml()
