"""Resume of loops that count iterations, by the real Runner."""

import logging

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from peco.engine.hooks import FastForwardHook


class Numbers(Dataset):
    """Ten numbers; those that were read are written down, for all copies of the data set."""

    read = []

    def __len__(self):
        return 10

    def __getitem__(self, index):
        self.read.append(index)
        return torch.tensor(float(index))


class Model(BaseModel):

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.seen = []

    def forward(self, *inputs, mode='tensor'):
        # mmengine spreads a batch that is a list over the arguments.
        numbers = torch.stack(inputs)
        self.seen.append([int(value) for value in numbers])
        return dict(loss=self.layer(numbers[:, None]).sum())


def run(work_dir, max_iters, workers=0, hooks=(FastForwardHook, ), **kwargs):
    for kind in (MMLogger, MessageHub):
        kind._instance_dict.clear()
    model = Model()
    Numbers.read.clear()
    runner = Runner(
        model, str(work_dir), dict(
            dataset=Numbers(), batch_size=3, num_workers=workers, persistent_workers=workers > 0,
            sampler=dict(type='InfiniteSampler', shuffle=True, seed=5)),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-3)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=7, by_epoch=False)),
        custom_hooks=[hook() for hook in hooks], default_scope='mmengine',
        log_level=logging.ERROR, experiment_name=f'n{max_iters}{len(hooks)}', **kwargs)
    runner.train()
    return model.seen, list(Numbers.read)


@pytest.mark.parametrize('workers', [0, 2])
def test_a_resumed_run_goes_on_with_the_next_images_and_reads_no_others(tmp_path, workers):
    straight, _ = run(tmp_path / 'straight', 12)
    first, _ = run(tmp_path / 'cut', 7, workers)
    hooks = [FastForwardHook] * (1 + workers)  # a config may name it, too
    rest, read = run(tmp_path / 'cut', 12, workers, hooks, resume=True)
    assert first + rest == straight and len(rest) == 5
    if not workers:
        assert len(read) == 3 * 5


def test_mmengine_reads_all_of_them(tmp_path):
    run(tmp_path, 7)
    rest, read = run(tmp_path, 12, hooks=(), resume=True)
    assert len(rest) == 5 and len(read) == 3 * 12


def test_other_runs_are_left_alone(tmp_path):
    seen, read = run(tmp_path, 2)
    assert len(seen) == 2 and len(read) == 6
