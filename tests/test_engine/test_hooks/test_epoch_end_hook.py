from types import SimpleNamespace

import pytest
from mmengine.runner import IterBasedTrainLoop
from torch.utils.data import DataLoader

from peco.engine.hooks.epoch_end_hook import EpochEndHook


class Recorder(EpochEndHook):
    def __init__(self, interval):
        super().__init__(interval)
        self.calls = []

    def at_epoch_end(self, runner, epoch, step):
        self.calls.append((epoch, step))


@pytest.mark.parametrize('interval, epochs', [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (9, [5])])
def test_epoch_based_loop(interval, epochs):
    hook = Recorder(interval)
    for epoch in range(5):
        runner = SimpleNamespace(train_loop=None, max_epochs=5, epoch=epoch, iter=3 * (epoch + 1))
        for index in range(3):
            hook.after_train_iter(runner, index)
        hook.after_train_epoch(runner)
    assert hook.calls == [(epoch, 3 * epoch) for epoch in epochs]


@pytest.mark.parametrize('interval, calls', [
    (1, [(1, 3), (2, 6), (3, 8)]), (2, [(2, 6), (3, 8)]), (9, [(3, 8)])])
def test_iteration_based_loop(interval, calls):
    """8 steps of a data loader with 3 batches; the last epoch is cut short."""
    hook = Recorder(interval)
    loop = object.__new__(IterBasedTrainLoop)
    for step in range(8):
        hook.after_train_iter(
            SimpleNamespace(train_loop=loop, train_dataloader=DataLoader(range(3)), iter=step,
                            max_iters=8, world_size=1),
            step)
    assert hook.calls == calls


def test_the_interval_must_be_positive():
    with pytest.raises(ValueError, match='interval=0 of Recorder'):
        Recorder(0)
