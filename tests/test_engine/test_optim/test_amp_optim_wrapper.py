import pytest
import torch
from torch import nn

from peco.engine.optim import AmpOptimWrapper


class Probe(nn.Module):
    """Remember the type that the forward pass computes in."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        out = self.fc(x)
        self.seen = out.dtype
        return out.float().pow(2).mean()


def wrapper(model, **kwargs):
    return AmpOptimWrapper(
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), **kwargs)


def test_forward_in_bfloat16_weights_in_float32():
    model = Probe()
    before = model.fc.weight.detach().clone()
    optim = wrapper(model)
    with optim.optim_context(model):
        loss = model(torch.randn(2, 4))
    assert model.seen == torch.bfloat16
    optim.update_params(loss)
    assert model.fc.weight.dtype == torch.float32
    assert not torch.equal(model.fc.weight, before)
    model(torch.randn(2, 4))
    assert model.seen == torch.float32


def test_gradients_are_clipped_to_the_true_norm():
    model = Probe()
    optim = wrapper(model, clip_grad=dict(max_norm=1e-3))
    before = model.fc.weight.detach().clone()
    bias = model.fc.bias.detach().clone()
    with optim.optim_context(model):
        loss = model(torch.randn(2, 4)) * 1e4
    optim.update_params(loss)
    step = torch.cat([(model.fc.weight - before).flatten(), model.fc.bias - bias])
    assert step.norm().item() == pytest.approx(0.1 * 1e-3, rel=1e-2)


def test_accumulation_steps_every_second_time():
    model = Probe()
    optim = wrapper(model, accumulative_counts=2)
    optim.initialize_count_status(model, 0, 4)
    start = model.fc.weight.detach().clone()
    changed = []
    for _ in range(4):
        with optim.optim_context(model):
            loss = model(torch.ones(2, 4))
        optim.update_params(loss)
        changed.append(not torch.equal(model.fc.weight, start))
        start = model.fc.weight.detach().clone()
    assert changed == [False, True, False, True]


def test_state_survives():
    model = Probe()
    optim = wrapper(model)
    with optim.optim_context(model):
        loss = model(torch.ones(2, 4))
    optim.update_params(loss)
    other = wrapper(model)
    other.load_state_dict(optim.state_dict())
    for parameter in model.parameters():
        assert torch.equal(other.optimizer.state[parameter]['momentum_buffer'],
                           optim.optimizer.state[parameter]['momentum_buffer'])


def test_float32_computes_as_without_it():
    model = Probe()
    optim = wrapper(model, dtype='float32')
    with optim.optim_context(model):
        model(torch.rand(2, 4))
    assert model.seen == torch.float32


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="dtype='float16'.*mmengine.AmpOptimWrapper"):
        wrapper(Probe(), dtype='float16')
