"""Linear classification with the penalty chosen on a part of the training set."""

import logging
import warnings
from collections.abc import Sequence

import numpy as np
from mmengine.logging import print_log
from scipy import sparse

Features = np.ndarray | sparse.csr_matrix


def linear_probe(bank: Features,
                 bank_labels: np.ndarray,
                 query: Features,
                 penalties: Sequence[float] = (1e-4, 1e-3, 1e-2),
                 max_iter: int = 200,
                 seed: int = 0) -> np.ndarray:
    """Logistic regression, fitted on a bank, applied to a query set.

    Columns are divided by their standard deviation in the bank (no centring, which the intercept
    makes up for and which would fill a sparse matrix). The L2 penalty is the one that classifies a
    held-out fifth of the bank best; the query set takes no part in it. Where that is the weakest or
    the strongest of three or more, and clearly better than the next, a warning says so.

    Args:
        bank: ``(N, C)``, dense or sparse.
        bank_labels: Integers ``(N,)``.
        query: ``(M, C)``.
        penalties: Weights of half the squared norm beside the mean cross-entropy.
        max_iter: Most L-BFGS iterations of a fit.
        seed: Seed of the held-out fifth.

    Returns:
        Predicted labels ``(M,)``.

    Raises:
        ValueError: If a set is empty or the bank holds one class only.
    """
    if bank.shape[0] == 0 or query.shape[0] == 0:
        raise ValueError(f'a linear probe needs a bank and a query set, got {bank.shape[0]} and '
                         f'{query.shape[0]} vectors')
    if len(np.unique(bank_labels)) < 2:
        raise ValueError('a linear probe needs at least two classes in the bank, got only '
                         f'{np.unique(bank_labels).tolist()}')
    scale = 1 / np.maximum(_std(bank), 1e-6)
    scale[_std(bank) < 1e-6] = 0
    bank, query = _scaled(bank, scale), _scaled(query, scale)

    best = penalties[0]
    if len(penalties) > 1:
        order = np.random.default_rng(seed).permutation(bank.shape[0])
        held = order[:max(1, len(order) // 5)]
        kept = order[len(held):]
        scores = [
            np.mean(_fit(bank[kept], bank_labels[kept], p, max_iter).predict(bank[held]) ==
                    bank_labels[held]) for p in penalties
        ]
        best = penalties[int(np.argmax(scores))]
        _check_range(penalties, scores, len(held))
    return _fit(bank, bank_labels, best, max_iter).predict(query)


def _check_range(penalties: Sequence[float], scores: Sequence[float], number: int) -> None:
    """Warn where a penalty beyond the range is likely to be better: by a standard error."""
    if len(penalties) < 3:
        return
    order = np.argsort(penalties)
    weakest, strongest = order[:2], order[:-3:-1]
    best, inner = max(weakest, strongest, key=lambda end: scores[end[0]])
    if scores[best] < max(scores):
        return
    error = max(np.sqrt(scores[best] * (1 - scores[best]) / number), 1 / number)
    if scores[best] > scores[inner] + error:
        print_log(f'the best L2 penalty of {list(penalties)} is {penalties[best]}, at the end of '
                  'the range: the probe may be too low, set penalties to a wider one',
                  logger='current', level=logging.WARNING)


def _std(features: Features) -> np.ndarray:
    if not sparse.issparse(features):
        return features.std(axis=0)
    mean = np.asarray(features.mean(axis=0)).ravel()
    square = np.asarray(features.multiply(features).mean(axis=0)).ravel()
    return np.sqrt(np.maximum(square - mean**2, 0))


def _scaled(features: Features, scale: np.ndarray) -> Features:
    if sparse.issparse(features):
        return (features @ sparse.diags(scale)).tocsr()
    return features * scale


def _fit(features: Features, labels: np.ndarray, penalty: float, max_iter: int):
    # Imported here: `import peco` should not pay for scikit-learn.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / (penalty * features.shape[0]), max_iter=max_iter, tol=1e-4)
    with warnings.catch_warnings():
        # A capped fit is a fine probe, and the cap is an argument.
        warnings.simplefilter('ignore', ConvergenceWarning)
        return model.fit(features, labels)
