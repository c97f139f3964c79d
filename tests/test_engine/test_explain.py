import pytest

from peco.engine.explain import explain_error


@pytest.mark.parametrize('error, mend', [
    (RuntimeError('CUDA out of memory. Tried ...'), 'lower train_dataloader.batch_size'),
    (RuntimeError('Expected to have finished reduction in the prior iteration'),
     'find_unused_parameters'),
    (OSError('[Errno 28] No space left on device'), '--work-dir'),
])
def test_known_errors_get_their_mend(error, mend):
    assert mend in explain_error(error)


def test_other_errors_are_repeated_in_one_line():
    assert explain_error(KeyError('a')) == "KeyError: 'a'"
    assert explain_error(ValueError('one\ntwo')) == 'ValueError: one'
    assert explain_error(ValueError()) == 'ValueError'
