from types import SimpleNamespace

from mmengine.runner import IterBasedTrainLoop

from peco.engine.hooks import EpochOfDatasetHook


def test_data_sets_that_ask_for_it_are_told_the_epoch():
    told = []
    dataset = SimpleNamespace(set_epoch=told.append)
    for epoch in (3, 4):
        EpochOfDatasetHook().before_train_epoch(SimpleNamespace(
            epoch=epoch, train_loop=None, train_dataloader=SimpleNamespace(dataset=dataset)))
    assert told == [3, 4]


def test_a_loop_over_iterations_has_begun_to_read_by_then():
    told = []
    EpochOfDatasetHook().before_train_epoch(SimpleNamespace(
        epoch=0, train_loop=object.__new__(IterBasedTrainLoop),
        train_dataloader=SimpleNamespace(dataset=SimpleNamespace(set_epoch=told.append))))
    assert told == []


def test_other_data_sets_are_left_alone():
    dataset = [1, 2]
    EpochOfDatasetHook().before_train_epoch(SimpleNamespace(
        epoch=1, train_loop=None, train_dataloader=SimpleNamespace(dataset=dataset)))
    assert dataset == [1, 2]
