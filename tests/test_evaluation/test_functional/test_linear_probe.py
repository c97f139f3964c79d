import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from peco.evaluation.functional import linear_probe


def _data(number=400, dims=12, classes=3, noise=1.5, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (classes, dims))
    labels = rng.integers(0, classes, number)
    features = centres[labels] + noise * rng.normal(0, 1, (number, dims))
    # Columns of very different size, as those of rare and common codes.
    return (features * np.geomspace(1e-3, 1e2, dims)).astype(np.float32), labels


def _split(features, labels):
    return features[:300], labels[:300], features[300:], labels[300:]


def test_one_penalty_equals_scikit_learn_on_standardised_features():
    bank, labels, query, _ = _split(*_data())
    scaler = StandardScaler().fit(bank)
    reference = LogisticRegression(C=1 / (1e-2 * 300), max_iter=1000).fit(
        scaler.transform(bank), labels)
    ours = linear_probe(bank, labels, query, penalties=[1e-2], max_iter=1000)
    assert (ours == reference.predict(scaler.transform(query))).mean() > 0.98


def test_sparse_equals_dense():
    features, labels = _data()
    features[np.abs(features) < np.median(np.abs(features), axis=0)] = 0
    bank, labels, query, _ = _split(features, labels)
    dense = linear_probe(bank, labels, query)
    thin = linear_probe(sparse.csr_matrix(bank), labels, sparse.csr_matrix(query))
    assert (dense == thin).mean() > 0.98


def test_it_learns_and_is_deterministic():
    bank, labels, query, expected = _split(*_data(noise=0.7))
    first = linear_probe(bank, labels, query)
    assert (first == expected).mean() > 0.9
    np.testing.assert_array_equal(first, linear_probe(bank, labels, query))


def test_the_penalty_is_chosen_on_the_bank():
    # Many useless columns: a weak penalty fits noise, and the bank alone can tell.
    rng = np.random.default_rng(0)
    useful, labels = _data(number=2000, noise=1., seed=1)
    features = np.concatenate([useful, rng.normal(0, 1, (2000, 300))], axis=1)
    bank, query, expected = features[:300], features[300:], labels[300:]

    def accuracy(*penalties):
        return (linear_probe(bank, labels[:300], query, penalties) == expected).mean()

    weak, strong = accuracy(1e-6), accuracy(1.)
    assert strong > weak + 0.03
    assert accuracy(1e-6, 1.) == strong


@pytest.mark.parametrize('penalties, told', [
    ((1e-5, 1e-3, 0.1), True),  # a stronger one would be better
    ((0.1, 1e-3, 1e-5), True),
    ((1e3, 1e2, 10.), True),  # a weaker one
    ((1e-4, 0.3, 1e3), False),
    ((1e-6, 0.1), False),  # two are no range
    ((1e-6, ), False),
])
def test_a_range_that_ends_too_soon_is_told(penalties, told, monkeypatch):
    lines = []
    monkeypatch.setitem(linear_probe.__globals__, 'print_log',
                        lambda line, **kwargs: lines.append(line))
    rng = np.random.default_rng(0)
    useful, labels = _data(number=2000, noise=1., seed=1)
    features = np.concatenate([useful, rng.normal(0, 1, (2000, 300))], axis=1)
    linear_probe(features[:1000], labels[:1000], features[1000:], penalties)
    assert bool(lines) == told and (not told or 'set penalties to a wider one' in lines[0])


def test_constant_columns_do_no_harm():
    bank, labels, query, _ = _split(*_data())
    expected = linear_probe(bank, labels, query)
    extra = [np.concatenate([f, np.full((len(f), 1), 7.)], axis=1) for f in (bank, query)]
    # A code that the bank never shows must not decide either.
    extra[1][:, -1] = 1e6
    assert (linear_probe(extra[0], labels, extra[1]) == expected).mean() > 0.98


@pytest.mark.parametrize('bank, query, classes, message', [
    (0, 3, 2, 'got 0 and 3'), (4, 0, 2, 'got 4 and 0'), (4, 3, 1, 'at least two classes')
])
def test_impossible_inputs_are_refused(bank, query, classes, message):
    with pytest.raises(ValueError, match=message):
        linear_probe(np.ones((bank, 2)), np.arange(bank) % classes, np.ones((query, 2)))


@pytest.mark.parametrize('kind', [np.asarray, sparse.csr_matrix])
def test_the_query_takes_no_part(kind):
    bank, labels, query, _ = _split(*_data())
    alone = linear_probe(kind(bank), labels, kind(query))
    outliers = np.concatenate([query, query[:30] * 1e3])
    assert (linear_probe(kind(bank), labels, kind(outliers))[:100] == alone).all()
    assert (linear_probe(kind(bank), labels, kind(query[:7])) == alone[:7]).all()
