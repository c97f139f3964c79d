import os
import signal

import pytest
from torch.utils.data import DataLoader

from peco.engine.explain import explain_error


@pytest.mark.parametrize('error, mend', [
    (RuntimeError('CUDA out of memory. Tried ...'), 'lower train_dataloader.batch_size'),
    (RuntimeError('Expected to have finished reduction in the prior iteration'),
     'find_unused_parameters'),
    (RuntimeError('CUDA error: device-side assert triggered'), 'CUDA_VISIBLE_DEVICES='),
    (OSError('[Errno 28] No space left on device'), '--work-dir'),
])
def test_known_errors_get_their_mend(error, mend):
    assert mend in explain_error(error)


def test_other_errors_are_repeated_in_one_line():
    assert explain_error(KeyError('a')) == "KeyError: 'a'"
    assert explain_error(ValueError('one\ntwo')) == 'ValueError: one'
    assert explain_error(ValueError()) == 'ValueError'


class Faulty:
    """A data set whose items cannot be made."""

    def __init__(self, fault):
        self.fault = fault

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if self.fault == 'killed':
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError(f'crop_box of {self.fault} does not fit')


def _error_of_a_worker(fault):
    with pytest.raises((RuntimeError, ValueError)) as caught:
        next(iter(DataLoader(Faulty(fault), num_workers=1)))
    return explain_error(caught.value)


def test_memory_is_blamed_only_where_a_worker_was_killed():
    assert 'want of memory' in _error_of_a_worker('killed')
    assert _error_of_a_worker('cat.png') == 'ValueError: crop_box of cat.png does not fit'
    assert _error_of_a_worker('a\n  b\n') == 'ValueError: crop_box of a'
