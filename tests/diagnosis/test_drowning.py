"""Drowning: the closed form is the average over samples, the nested sample is counted rightly, the extrapolation holds on held-out corpora."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from limitlab._core.seeds import derived
from limitlab.diagnosis.drowning import Drowning, drowning
from limitlab.diagnosis.sampling_law import few_in_sample, few_new
from limitlab.diagnosis.score_tail import score_tail
from limitlab.diagnosis.scratch import Scratch
from limitlab.diagnosis.standing import list_depth, standing
from limitlab.diagnosis.subject import subject
from limitlab.relevance import RelevanceMatrix
from limitlab.search import exact_search


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def drowned(docs, queries, rel, k, **options):
    """(the subject's scores in float64, the standing, the result) for rel (n_queries, size) rows of docs."""
    ids = {"query_ids": [f"q{i}" for i in range(len(queries))], "doc_ids": [f"d{i:05}" for i in range(len(docs))]}
    matrix = RelevanceMatrix.from_pairs(np.repeat(np.arange(len(rel)), rel.shape[1]), rel.reshape(-1), **ids)
    with Scratch() as scratch:
        given = {"doc_ids": None, "query_ids": None, "similarity": "cosine", "ties": "trec", "min_relevance": 1}
        found = subject(matrix, docs, queries, k=k, scratch=scratch, **given)
        own = exact_search(found.docs, found.queries, k=list_depth(found), places=found.places, normalise=False, relevant=found.relevant)
        stands = standing(found, own)
        return found, stands, drowning(found, stands, **options)


def sample_corpus(seed, n, n_queries, dim, size, noise, *, kind="even"):
    rng = np.random.default_rng([seed, n])
    if kind == "cone":
        docs = unit(rng.standard_normal((n, dim)) / np.sqrt(1 + np.arange(dim)) + 0.6 / np.sqrt(dim))
    elif kind == "clusters":
        centres = unit(rng.standard_normal((50, dim)))
        docs = unit(centres[rng.integers(50, size=n)] + 0.8 * unit(rng.standard_normal((n, dim))))
    else:
        docs = unit(rng.standard_normal((n, dim)))
    rel = np.stack([rng.choice(n, size, False) for _ in range(n_queries)])
    return docs, unit(docs[rel].sum(axis=1) + noise * unit(rng.standard_normal((n_queries, dim)))), rel


def test_the_hypergeometric_sum_is_scipys():
    from scipy.stats import hypergeom

    rng = np.random.default_rng(0)
    population = rng.integers(1, 3000, 400)
    marked, drawn = (rng.integers(0, population + 1) for _ in range(2))
    most = rng.integers(-2, 40, 400)
    assert few_in_sample(marked, population, drawn, most) == pytest.approx(hypergeom.cdf(most, population, marked, drawn), abs=1e-9)
    million = np.array([10**6])
    assert few_in_sample(million // 100, million, million // 1000, np.array([9])) == pytest.approx(
        hypergeom.cdf(9, 10**6, 10**4, 10**3), rel=1e-6
    )


def test_new_documents_are_negative_binomial():
    from scipy.stats import nbinom, poisson

    mean, shape, most = np.array([0.5, 4.0, 30.0]), np.array([1.0, 3.0, 20.0]), np.array([0, 3, 25])
    assert few_new(mean, shape, most) == pytest.approx(nbinom.cdf(most, shape, shape / (shape + mean)), abs=1e-12)
    assert few_new(mean, np.full(3, 1e9), most) == pytest.approx(poisson.cdf(most, mean), abs=1e-6)
    assert few_new(np.array([0.0, 2.0]), np.ones(2), np.array([0, -1])).tolist() == [1.0, 0.0]


def test_the_closed_form_is_the_mean_over_many_samples():
    docs, queries, rel = sample_corpus(1, 60, 12, 6, 2, 0.8)
    docs[7] = docs[8]  # equal scores count by id in both
    k = 4
    found, _, result = drowned(docs, queries, rel, k, factors=())
    # The order that decides: score, then place.
    scores = (found.queries.astype(np.float64) @ found.docs.T.astype(np.float64)).astype(np.float32)
    order = np.stack([np.lexsort((found.places, -row)) for row in scores])
    rng = np.random.default_rng(0)
    for size, recall, complete in zip(result.exact.sizes, result.exact.recall, result.exact.all_relevant):
        hits = []
        for _ in range(700):
            drawn = np.zeros(60, bool)
            drawn[rng.choice(60, size, False)] = True
            counts = []
            for i, row in enumerate(order):
                there = drawn.copy()
                there[rel[i]] = True
                counts.append(np.isin(row[there[row]][:k], rel[i]).sum())
            hits.append(counts)
        hits = np.array(hits)
        error = 4.5 * 0.5 / np.sqrt(700)  # a sample's mean over 12 queries varies by at most 1/2
        assert recall == pytest.approx(hits.mean() / 2, abs=error) and complete == pytest.approx((hits == 2).mean(), abs=error)
    assert result.exact.sizes == (8, 15, 30, 60)
    assert result.exact.recall[-1] == pytest.approx(hits.mean() / 2)


def test_the_nested_sample_is_counted_as_by_hand_and_lies_near_the_expectation():
    docs, queries, rel = sample_corpus(2, 700, 40, 8, 3, 1.0)
    found, _, result = drowned(docs, queries, rel, 5, factors=(), seed=3)
    order = derived(3, "drowning").permutation(700)
    scores = found.queries.astype(np.float64) @ found.docs.T.astype(np.float64)
    for size, recall, complete in zip(result.path.sizes, result.path.recall, result.path.all_relevant):
        hits = []
        for i, row in enumerate(scores):
            there = np.union1d(order[:size], rel[i])
            hits.append(np.isin(there[np.argsort(-row[there])][:5], rel[i]).sum())
        assert recall == pytest.approx(np.mean(hits) / 3) and complete == pytest.approx(np.mean(np.array(hits) == 3))
    assert np.abs(np.array(result.path.recall) - result.exact.recall[:-1]).max() < 0.1


def test_recall_falls_with_the_corpus_and_crossings_are_where_it_does():
    docs, queries, rel = sample_corpus(3, 2000, 60, 8, 1, 0.9)
    _, stands, result = drowned(docs, queries, rel, 10)
    values = [*result.exact.recall, *result.forecast.recall]
    assert all(a >= b - 1e-12 for a, b in pairwise(values)) and result.exact.recall[-1] < 0.9
    assert result.exact.recall == pytest.approx(result.exact.all_relevant)  # one relevant document a query
    ninety = next(c for c in result.crossings if c.measure == "recall" and c.level == 0.9)
    assert ninety.where == "inside"

    def value(size):
        pairs = stands.pairs
        chance = few_in_sample(pairs.above, np.full(60, 2000), np.full(60, size), np.full(60, 9))
        return chance.mean()

    assert value(ninety.n_docs) < 0.9 <= value(int(ninety.n_docs * 0.995))
    fifty = next(c for c in result.crossings if c.measure == "recall" and c.level == 0.5)
    assert fifty.where == "inside" or (fifty.where == "extrapolated") == (result.exact.recall[-1] >= 0.5)


@pytest.mark.parametrize("kind", ["even", "cone", "clusters"])
def test_from_a_quarter_the_interval_covers_the_whole_corpus(kind):
    """10 corpora a kind: the interval must cover what is measured in the whole for the same queries in at least 9."""
    covered, errors = 0, []
    for seed in range(10):
        size, dim, noise, k = 1 + seed % 3, (8, 16, 32)[seed % 3], (0.8, 1.5, 3.0)[seed // 4], (5, 10)[seed % 2]
        docs, queries, rel = sample_corpus(seed, 2400, 80, dim, size, noise, kind=kind)
        part = np.union1d(np.random.default_rng(seed).choice(2400, 600, False), rel.reshape(-1))
        # The relevant documents of other queries are documents like any other: a quarter of what is left of the corpus.
        _, _, whole = drowned(docs, queries, rel, k, factors=())
        _, _, result = drowned(docs[part], queries, np.searchsorted(part, rel), k, factors=(2400 / len(part),), seed=seed)
        low, high = result.forecast.recall_interval[0]
        covered += low - 1e-9 <= whole.exact.recall[-1] <= high + 1e-9
        errors.append(abs(result.forecast.recall[0] - whole.exact.recall[-1]))
    assert covered >= 9 and np.mean(errors) < 0.03


def test_the_tail_of_exponential_and_uniform_scores_is_known():
    rng = np.random.default_rng(0)
    for scores, shape in ((rng.exponential(size=(400, 2000)), 0.0), (rng.random((400, 2000)), -1.0)):
        found = score_tail(-np.sort(-scores, axis=1)[:, :64], top=64)
        assert found.shape == pytest.approx(shape, abs=0.06)
    exponential = score_tail(-np.sort(-rng.exponential(size=(400, 2000)), axis=1)[:, :64], top=64)
    at = np.full(400, np.log(2000 / 0.5))  # where half a document of 2,000 is expected above
    assert np.median(exponential.expected_above(at, np.arange(400))) == pytest.approx(0.5, rel=0.25)


def test_equal_scores_everywhere_and_small_corpora_do_not_break_it():
    docs = unit(np.random.default_rng(0).standard_normal((40, 4)))
    docs[5:35] = docs[4]
    _, _, result = drowned(docs, docs[:3].copy(), np.array([[0], [1], [4]]), 2)
    values = np.array([*result.exact.recall, *(result.forecast.recall if result.forecast else ())])
    assert np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all()
    _, _, tiny = drowned(docs[:6], docs[:2].copy(), np.array([[0], [1]]), 2)
    assert tiny.forecast is None and tiny.tail == "" and tiny.exact.sizes == (3, 6)
    assert Drowning.from_dict(tiny.to_dict()) == tiny and Drowning.from_dict(result.to_dict()) == result


def test_the_same_seed_gives_the_same_numbers():
    docs, queries, rel = sample_corpus(4, 500, 20, 8, 2, 1.0)
    assert drowned(docs, queries, rel, 5)[2] == drowned(docs, queries, rel, 5)[2]
    assert drowned(docs, queries, rel, 5, seed=1)[2] != drowned(docs, queries, rel, 5)[2]
