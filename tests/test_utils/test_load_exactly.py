import pytest
import torch
from torch import nn

from peco.utils.load_exactly import load_exactly


def test_weights_must_fit_exactly():
    network = nn.Linear(2, 3)
    state = network.state_dict()
    load_exactly(network, state, 'a file')
    for change, message in ((dict(extra=state['bias']), '1 weights are unknown, such as extra'),
                            (dict(bias=torch.zeros(4)), r'bias \(4,\) instead of \(3,\)')):
        with pytest.raises(ValueError, match=f'a file does not fit this Linear: .*{message}'):
            load_exactly(network, {**state, **change}, 'a file')
    with pytest.raises(ValueError, match='1 weights are missing, such as weight'):
        load_exactly(network, dict(bias=state['bias']), 'a file')
    with pytest.raises(ValueError, match='1 weights are unknown, such as epoch'):
        load_exactly(network, {**state, 'epoch': 3}, 'a file')
