"""Simplex, Khatri-Rao lift, random documents, attribute sums: what is proved about each, and what was measured."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import RangeError
from limitlab.capacity import AttributeSums, KhatriRao, RandomDocs, Simplex
from limitlab.capacity.attribute_sums import attribute_sums_dim
from limitlab.relevance import RelevanceMatrix, dense
from limitlab.search import separate


def subsets(n: int, k: int) -> np.ndarray:
    return np.array(list(combinations(range(n), k)))


def gaps(docs: np.ndarray, queries: np.ndarray, sets: np.ndarray) -> np.ndarray:
    scores = queries @ docs.T
    rows = np.arange(len(sets))[:, None]
    low = scores[rows, sets].min(axis=1)
    scores[rows, sets] = -np.inf
    return low - scores.max(axis=1)


@pytest.mark.parametrize(("n", "k", "half"), [(5, 2, 0.51031), (6, 2, 0.47434), (7, 2, 0.45185), (6, 1, 0.60000), (7, 3, 0.41248)])
def test_simplex_attains_the_ceiling(n, k, half):
    simplex, sets = Simplex(n), subsets(n, k)
    docs = simplex.docs()
    assert docs.shape == (n, n - 1)
    assert np.abs(docs @ docs.T - (np.eye(n) * n - 1) / (n - 1)).max() < 1e-14
    assert round(simplex.gap(k) / 2, 5) == half
    assert np.abs(gaps(docs, simplex.queries(sets), sets) - simplex.gap(k)).max() < 1e-14
    assert np.abs(separate(docs, sets).gaps - simplex.gap(k)).max() < 1e-12


@pytest.mark.parametrize(
    ("n", "k", "margin"),
    [(5, 2, 0.46305), (6, 2, 0.40958), (7, 2, 0.37854), (6, 1, 0.42857), (7, 3, 0.38953), (20, 2, 0.2928), (100, 2, 0.2670)],
)
def test_simplex_about_one_threshold(n, k, margin):
    simplex, sets = Simplex(n), subsets(n, k)
    docs, queries = simplex.threshold_docs(k), simplex.threshold_queries(sets)
    assert round(simplex.threshold_margin(k), len(str(margin)) - 2) == margin
    assert np.abs(np.linalg.norm(docs, axis=1) - 1).max() < 1e-14 and np.abs(np.linalg.norm(queries, axis=1) - 1).max() < 1e-14
    scores = queries @ docs.T
    relevant = np.zeros(scores.shape, bool)
    relevant[np.arange(len(sets))[:, None], sets] = True
    assert scores[relevant].min() == pytest.approx(simplex.threshold_margin(k), abs=1e-13)
    assert scores[~relevant].max() == pytest.approx(-simplex.threshold_margin(k), abs=1e-13)


def test_simplex_limits():
    assert Simplex(10**7).threshold_margin(2) == pytest.approx(1 / (2 * math.sqrt(2) + 1), abs=1e-3)
    with pytest.raises(RangeError, match="at most n_docs / 2"):
        Simplex(5).threshold_margin(3)


@pytest.mark.parametrize(("base", "k", "n"), [(3, 2, 30), (4, 2, 30), (5, 3, 16)])
def test_khatri_rao_gap_formula_and_dimension(base, k, n):
    lift, sets = KhatriRao(n, base, seed=1), subsets(n, k)
    docs, queries = lift.docs(), lift.queries(sets)
    assert docs.shape == (n, base * (base + 1) // 2 - 1)
    assert np.abs(np.linalg.norm(docs, axis=1) - 1).max() < 1e-13
    assert np.abs(np.linalg.norm(queries, axis=1) - 1).max() < 1e-13
    assert np.abs(gaps(docs, queries, sets) - lift.gaps(sets)).max() < 1e-13
    assert lift.gaps(sets).min() > 0  # every set, already where random documents fail
    with pytest.raises(RangeError):
        lift.queries([list(range(base))])


def test_random_documents():
    """theory.md 5.1 and 5.2, n = 46: shares of pairs realisable at d = 8 (.88), 14 (1.0), and by the sum query at 16 (.90)."""
    pairs = subsets(46, 2)
    share = {d: separate(RandomDocs(46, d).docs(), pairs).separable.mean() for d in (8, 14)}
    assert share[8] == pytest.approx(0.88, abs=0.05) and share[14] > 0.999
    docs = RandomDocs(46, 16)
    assert (gaps(docs.docs(), docs.queries(pairs, rule="sum"), pairs) > 0).mean() == pytest.approx(0.90, abs=0.05)
    assert gaps(docs.docs(), docs.queries(pairs), pairs).mean() > 0
    signs = RandomDocs(46, 48, values="signs", seed=3)
    assert set(np.unique(signs.docs() * math.sqrt(48)).round(12)) == {-1.0, 1.0}
    assert (gaps(signs.docs(), signs.queries(pairs, rule="sum"), pairs) > 0).mean() > 0.98
    assert (RandomDocs(9, 3, seed=5).docs() == RandomDocs(9, 3, seed=5).docs()).all()


def test_attribute_sums_meet_their_prediction():
    """theory.md 5.4: LIMIT-small, R@2 .174 .262 .409 .627 .867 .989 at d = 32 .. 1024."""
    relevance = dense(46, 1000)
    predicted = [AttributeSums(relevance, d).predicted_recall(cut=2) for d in (32, 64, 128, 256, 512, 1024)]
    assert [round(p, 3) for p in predicted] == [0.174, 0.262, 0.409, 0.627, 0.867, 0.989]
    sets = relevance.indices.reshape(-1, 2)
    for d, expected in ((64, predicted[1]), (256, predicted[3])):
        found = []
        for seed in range(5):
            sums = AttributeSums(relevance, d, seed=seed)
            scores = sums.queries() @ sums.docs().T
            found.append((np.argsort(-scores, axis=1)[:, :2, None] == sets[:, None, :]).sum() / sets.size)
        assert np.mean(found) == pytest.approx(expected, abs=0.03)
    assert 2_900 < attribute_sums_dim(50_000, 2_000, attributes_per_doc=41) < 3_100


def test_attribute_sums_refuse():
    relevance = dense(46, 1000)
    with pytest.raises(RangeError, match="at least 45, what document '0' is asked for"):
        AttributeSums(relevance, 8, attributes_per_doc=44)
    mixed = RelevanceMatrix.from_qrels({"a": {"x": 1}, "b": {"x": 1, "y": 1}})
    with pytest.raises(RangeError, match="equally many"):
        AttributeSums(mixed, 8, attributes_per_doc=3).predicted_recall(cut=1)
