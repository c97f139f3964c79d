import pytest
import torch
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.optim import OptimWrapper
from torch import nn

from peco.engine import DistributedDataParallel
from tests.dist_utils import run_distributed


class Mean(BaseModel):
    """Loss is the mean output; a buffer that each rank fills with its own value."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1, bias=False)
        self.register_buffer('own', torch.zeros(1))

    def forward(self, inputs, mode='loss'):
        return dict(loss=self.fc(inputs).mean())


def one_step():
    """A step on data that differs by rank; gives weights before and after, and the buffer."""
    rank = torch.distributed.get_rank()
    torch.manual_seed(0)
    model = DistributedDataParallel(Mean(), device_ids=[rank])
    model.module.own.fill_(rank)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.))
    before = model.module.fc.weight.detach().clone()
    model.train_step(dict(inputs=torch.full((1, 2), float(rank))), optim)
    return (before - model.module.fc.weight.detach()).flatten().tolist(), model.module.own.item(
    ), is_model_wrapper(model), model.find_unused_parameters


def test_two_cpu_ranks_share_gradients_and_keep_their_buffers():
    results = run_distributed(one_step, 2)
    # The gradients are 0 on rank 0 and 1 on rank 1.
    assert results[0][0] == results[1][0] == pytest.approx([0.5, 0.5])
    assert [result[1] for result in results] == [0, 1]
    assert results[0][2:] == (True, False)
