import doctest
import subprocess
import sys

import pytest
import torch
from torch import nn

from peco.utils import fingerprint
from peco.utils.fingerprint import state_dict_fingerprint


def _state():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).state_dict()


def test_same_content_gives_the_same_fingerprint_whatever_order_and_layout():
    state = _state()
    turned = {name: state[name].clone() for name in reversed(list(state))}
    turned['0.weight'] = turned['0.weight'].to(memory_format=torch.channels_last)
    assert state_dict_fingerprint(turned) == state_dict_fingerprint(state)


@pytest.mark.parametrize('change', ['bit', 'name', 'shape', 'dtype', 'missing'])
def test_any_change_changes_the_fingerprint(change):
    before, state = state_dict_fingerprint(_state()), dict(_state())
    bias = state.pop('0.bias')
    if change == 'bit':
        state['0.bias'] = torch.nextafter(bias, bias + 1)
    elif change == 'name':
        state['0.offset'] = bias
    elif change == 'shape':
        state['0.bias'] = bias[None]
    elif change == 'dtype':
        state['0.bias'] = bias.view(torch.int32)
    assert state_dict_fingerprint(state) != before


def test_dtypes_without_numpy_and_empty_and_scalar_tensors():
    state = dict(a=torch.ones(3, dtype=torch.bfloat16), b=torch.tensor(True), c=torch.empty(0, 4))
    assert len(state_dict_fingerprint(state)) == 64


def test_fingerprint_is_the_same_in_another_process():
    code = ('import torch; from peco.utils.fingerprint import state_dict_fingerprint as f; '
            'print(f(dict(x=torch.arange(5.), y=torch.tensor([True]))))')
    seen = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    expected = state_dict_fingerprint(dict(y=torch.tensor([True]), x=torch.arange(5.)))
    assert seen.stdout.strip().splitlines()[-1] == expected


def test_only_tensors_are_taken():
    with pytest.raises(TypeError, match="'meta' is a dict"):
        state_dict_fingerprint(dict(meta={}))


def test_docstring_example():
    result = doctest.testmod(fingerprint)
    assert result.attempted and not result.failed
