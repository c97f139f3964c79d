from types import SimpleNamespace

import pytest

from peco.engine.hooks.epoch_end import finished_epoch


@pytest.mark.parametrize('batches, max_iters, expected', [
    (3, 6, [None, None, 1, None, None, 2]),
    (4, 6, [None, None, None, 1, None, 2]),
    (9, 2, [None, 1]),
])
def test_epochs_of_an_iteration_based_loop(batches, max_iters, expected):
    found = [finished_epoch(SimpleNamespace(train_dataloader=range(batches), iter=i,
                                            max_iters=max_iters)) for i in range(max_iters)]
    assert found == expected
