import numpy as np
import pytest
import torch

from peco.evaluation.functional import bag_of_codes, embedding_probe, linear_probe
from tests.spies import count_calls

CODES, LENGTH = 16, 8


def tokens(count, seed):
    """Two classes: which of two places holds one of the codes 0 to 3 (the other one of 4 to 7)."""
    rng = np.random.default_rng(seed)
    ids, labels = rng.integers(8, CODES, (count, LENGTH)), rng.integers(0, 2, count)
    first, second = rng.integers(0, 4, count), rng.integers(4, 8, count)
    ids[:, 0], ids[:, 5] = np.where(labels, [first, second], [second, first])
    return ids, labels


def test_it_sees_where_a_code_stands():
    (bank, labels), (query, wanted) = tokens(600, 0), tokens(400, 1)
    found = embedding_probe(bank, labels, query, CODES, dim=8, epochs=20, lr=1e-2,
                            weight_decays=(0.1, 100.))
    bags = linear_probe(bag_of_codes(bank, CODES), labels, bag_of_codes(query, CODES))
    assert (found == wanted).mean() > 0.97
    assert 0.4 < (bags == wanted).mean() < 0.6


def test_it_is_repeatable_and_leaves_the_random_state_alone():
    (bank, labels), (query, _) = tokens(60, 0), tokens(30, 1)
    torch.manual_seed(3)
    first = embedding_probe(bank, labels, query, CODES, dim=4, epochs=2)
    state = torch.rand(1)
    torch.manual_seed(3)
    assert torch.rand(1) == state
    assert (embedding_probe(bank, labels, query, CODES, dim=4, epochs=2) == first).all()


def test_the_query_takes_no_part(monkeypatch):
    (bank, labels), (query, _) = tokens(60, 0), tokens(30, 1)
    whole = embedding_probe(bank, labels, query, CODES, dim=4, epochs=3)
    assert (embedding_probe(bank, labels, query[:7], CODES, dim=4, epochs=3) == whole[:7]).all()


@pytest.mark.parametrize('empty', ['bank', 'query'])
def test_empty_sets_are_refused(empty):
    ids, labels = tokens(5, 0)
    none = ids[:0]
    with pytest.raises(ValueError, match='needs a bank and a query set'):
        embedding_probe(none if empty == 'bank' else ids, labels,
                        none if empty == 'query' else ids, CODES)


def test_what_fits_the_bank_best_is_not_what_is_chosen():
    """Three labels of ten are wrong: the weaker decay learns them by heart."""
    (bank, labels), (query, wanted) = tokens(300, 0), tokens(1000, 1)
    rng = np.random.default_rng(2)
    labels = np.where(rng.random(len(labels)) < 0.3, 1 - labels, labels)

    def accuracy(*decays):
        found = embedding_probe(bank, labels, query, CODES, dim=16, epochs=60, lr=1e-2,
                                weight_decays=decays, dropout=0.)
        return (found == wanted).mean()

    weak, strong = accuracy(1e-4), accuracy(10.)
    assert strong > weak + 0.05
    assert accuracy(1e-4, 10.) > weak + 0.05 and accuracy(10., 1e-4) > weak + 0.05


def test_nothing_is_dropped_when_it_predicts():
    (bank, labels), (query, _) = tokens(60, 0), tokens(1, 1)
    found = embedding_probe(bank, labels, np.repeat(query, 200, axis=0), CODES, dim=4, epochs=2,
                            dropout=0.9)
    assert len(np.unique(found)) == 1


def test_the_number_of_passes_is_that_which_held_out_images_choose(monkeypatch):
    """Some labels are wrong, so that what comes after a few passes is learned by heart."""
    (bank, labels), (query, _) = tokens(300, 0), tokens(100, 1)
    rng = np.random.default_rng(2)
    labels = np.where(rng.random(len(labels)) < 0.3, 1 - labels, labels)
    steps = count_calls(monkeypatch, torch.optim.AdamW, 'step')
    options = dict(dim=16, lr=1e-2, weight_decays=(1e-4, ), dropout=0., batch_size=300)
    embedding_probe(bank, labels, query, CODES, epochs=60, **options)
    chosen = len(steps) - 60  # a step is a pass
    assert 1 <= chosen < 60


@pytest.mark.parametrize('label', [0, 1])
def test_the_last_fit_takes_the_whole_bank(label):
    torch.manual_seed(0)
    held = torch.randperm(20)[:4].numpy()
    # The images that were held out are alone in showing a code, and tell its class.
    bank = np.repeat(np.where(np.arange(20) % 2, 8, 9)[:, None], LENGTH, axis=1)
    labels = np.arange(20) % 2
    bank[held], labels[held] = 15, label
    found = embedding_probe(bank, labels, np.full((1, LENGTH), 15), CODES, dim=16, epochs=3,
                            batch_size=1, lr=0.1, weight_decays=(0., ), dropout=0.)
    assert found == label
