import copy

import torch
from torch import nn

from peco.models.utils import Frozen


def _network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))


class _Owner(nn.Module):

    def __init__(self):
        super().__init__()
        self.own = nn.Linear(2, 2)
        self.frozen = Frozen(_network())


def test_the_network_is_outside_the_tree():
    owner = _Owner()
    assert set(owner.state_dict()) == {'own.weight', 'own.bias'}
    assert len(list(owner.parameters())) == 2 and not list(owner.frozen.buffers())
    assert not any('frozen.' in name for name, _ in owner.named_modules())


def test_train_is_ignored_and_the_network_does_not_change():
    owner = _Owner().train()
    before = copy.deepcopy(owner.frozen.module.state_dict())
    x = torch.randn(2, 3, 8, 8)
    first, second = owner.frozen(x), owner.frozen(x)
    assert torch.equal(first, second)
    assert not any(module.training for module in owner.frozen.module.modules())
    after = owner.frozen.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_gradients_pass_through_but_not_into_it():
    frozen = Frozen(_network())
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    frozen(x).sum().backward()
    assert x.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in frozen.module.parameters())


def test_it_moves_with_its_owner():
    owner = _Owner().double()
    assert all(p.dtype == torch.float64 for p in owner.frozen.module.parameters())
    owner.to('meta')
    assert all(p.is_meta for p in owner.frozen.module.parameters())


def test_deepcopy_shares_it():
    owner = _Owner()
    other = copy.deepcopy(owner)
    assert other.own is not owner.own
    assert other.frozen.module is owner.frozen.module
