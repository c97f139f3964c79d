import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from peco.evaluation.functional import weighted_knn


def _data(bank=60, query=25, dims=5, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(bank, dims, generator=generator),
            torch.randint(classes, (bank, ), generator=generator),
            torch.randn(query, dims, generator=generator))


def _naive(bank, labels, query, k, temperature, classes):
    predictions = []
    for q in query.double():
        cosines = [float(q @ b / (q.norm() * b.norm())) for b in bank.double()]
        votes = [0.] * classes
        for i in sorted(range(len(bank)), key=lambda i: -cosines[i])[:k]:
            votes[labels[i]] += float(np.exp(cosines[i] / temperature))
        predictions.append(int(np.argmax(votes)))
    return predictions


@pytest.mark.parametrize('k, temperature', [(1, 0.07), (5, 0.07), (20, 0.5), (60, 0.07)])
def test_it_equals_a_plain_loop(k, temperature):
    bank, labels, query = _data()
    assert weighted_knn(bank, labels, query, k, temperature, 4).tolist() == _naive(
        bank, labels, query, k, temperature, 4)


def test_weights_decide_against_the_majority():
    # One near neighbour of class 0, two far ones of class 1.
    bank = torch.tensor([[1., 0.], [0.5, 1.], [0.5, 1.]])
    labels = torch.tensor([0, 1, 1])
    query = torch.tensor([[1., 0.]])
    assert weighted_knn(bank, labels, query, 3, temperature=0.07).item() == 0
    assert weighted_knn(bank, labels, query, 3, temperature=100.).item() == 1


def test_a_large_temperature_equals_scikit_learns_uniform_vote():
    bank, labels, query = _data(seed=1)
    reference = KNeighborsClassifier(5, metric='cosine').fit(bank.numpy(), labels.numpy())
    shares = reference.predict_proba(query.numpy())
    ours = weighted_knn(bank, labels, query, 5, temperature=1e4, num_classes=4)
    clear = np.sort(shares, axis=1)[:, -1] - np.sort(shares, axis=1)[:, -2] > 1e-6  # no tie
    assert clear.sum() > 10
    assert (ours.numpy()[clear] == reference.predict(query.numpy())[clear]).all()


def test_chunks_do_not_change_the_result(monkeypatch):
    import sys
    module = sys.modules['peco.evaluation.functional.weighted_knn']
    bank, labels, query = _data()
    expected = weighted_knn(bank, labels, query, 5)
    monkeypatch.setattr(module, '_MAX_SIMILARITIES', 200)
    assert torch.equal(weighted_knn(bank, labels, query, 5), expected)


def test_a_tiny_temperature_and_half_precision_stay_finite():
    bank, labels, query = _data()
    nearest = weighted_knn(bank, labels, query, 1, 0.07, 4)
    assert torch.equal(weighted_knn(bank, labels, query, 5, 1e-4, 4), nearest)
    assert weighted_knn(bank.half(), labels, query.half(), 5).dtype == torch.int64


@pytest.mark.parametrize('change, message', [
    (dict(bank=torch.zeros(0, 5), bank_labels=torch.zeros(0).long()), 'got 0 and 25'),
    (dict(query=torch.zeros(0, 5)), 'got 60 and 0'),
    (dict(query=torch.zeros(3, 6)), 'bank vectors have 5 numbers, query vectors 6'),
    (dict(k=61), 'k=61 must be between 1 and the size of the bank, 60'),
    (dict(temperature=0.), 'temperature'),
])
def test_impossible_inputs_are_refused(change, message):
    bank, labels, query = _data()
    kwargs = dict(bank=bank, bank_labels=labels, query=query, k=5)
    with pytest.raises(ValueError, match=message):
        weighted_knn(**{**kwargs, **change})


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
@pytest.mark.parametrize('name', ['bank', 'query'])
def test_vectors_of_a_diverged_network_are_refused(name, value):
    sets = dict(bank=torch.rand(4, 3), query=torch.rand(2, 3))
    sets[name][1, 2] = value
    with pytest.raises(ValueError, match='NaN or infinite.*diverged'):
        weighted_knn(bank_labels=torch.arange(4), k=2, **sets)
