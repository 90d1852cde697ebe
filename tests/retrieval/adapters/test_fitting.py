"""Fitted adapters: a planted rotation is undone, labels that can only be memorised gain nothing, healthy vectors stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, RangeError, ShapeError, UnknownName
from limitlab.retrieval.adapters import fit_adapter, fit_adapters, splits
from limitlab.retrieval.adapters.contrastive import Strength, Weights, _Loss, minimised
from limitlab.retrieval.adapters.problem import Problem, part, pooled
from limitlab.search import RelevantSet, normalised


def planted(n_docs, n_queries, dim, *, noise=0.2, seed=0):
    """Unit documents, and queries near the sum of their two relevant documents."""
    rng = np.random.default_rng(seed)
    docs = normalised(rng.standard_normal((n_docs, dim)))
    rows = np.sort(np.stack([rng.choice(n_docs, 2, False) for _ in range(n_queries)]), axis=1)
    queries = normalised(docs[rows].sum(axis=1) + noise * normalised(rng.standard_normal((n_queries, dim))))
    return docs, queries, RelevantSet(np.arange(n_queries + 1) * 2, rows.reshape(-1)), rng


def turned(queries, rng):
    """Queries under a random rotation."""
    return normalised(queries @ np.linalg.qr(rng.standard_normal((queries.shape[1],) * 2))[0])


def recall(queries, docs, relevant, k=10):
    """Mean recall at k, by sorting all scores."""
    order = np.argsort(-(queries @ docs.T), axis=1, kind="stable")[:, :k]
    return np.mean([np.isin(relevant.members[a:b], top).mean() for top, a, b in zip(order, relevant.indptr, relevant.indptr[1:])])


@pytest.mark.parametrize(("dim", "n_queries"), [(16, 60), (32, 100)])
def test_a_rotation_of_the_queries_is_undone_on_queries_not_seen(dim, n_queries):
    docs, queries, relevant, rng = planted(400, n_queries + 50, dim)
    straight, queries = queries, turned(queries, rng)
    train, held = np.arange(n_queries), np.arange(n_queries, n_queries + 50)
    adapter = fit_adapter(queries[train], docs, part(relevant, train))
    assert recall(queries[held], docs, part(relevant, held)) < 0.2
    before_the_turn = recall(straight[held], docs, part(relevant, held))
    assert before_the_turn > 0.9
    assert recall(adapter.apply_queries(queries[held]), docs, part(relevant, held)) > before_the_turn - 0.05
    assert adapter.doc_matrix is None and adapter.facts["n_queries"] == n_queries


def test_healthy_vectors_stay_as_they_are_or_lose_nothing():
    docs, queries, relevant, _ = planted(300, 120, 32)
    train, held = np.arange(80), np.arange(80, 120)
    for adapter in fit_adapters(queries[train], docs, part(relevant, train)):
        after = recall(adapter.apply_queries(queries[held]), adapter.apply_docs(docs), part(relevant, held))
        assert after >= recall(queries[held], docs, part(relevant, held)) - 0.01


def test_labels_without_a_rule_change_little():
    rng = np.random.default_rng(3)
    docs, queries = (normalised(rng.standard_normal((n, 16))) for n in (500, 90))
    relevant = RelevantSet(np.arange(91), rng.permutation(500)[:90])
    train, held = np.arange(60), np.arange(60, 90)
    adapter = fit_adapter(queries[train], docs, part(relevant, train), by="documents")
    assert (
        abs(recall(adapter.apply_queries(queries[held]), docs, part(relevant, held)) - recall(queries[held], docs, part(relevant, held)))
        < 0.1
    )


def test_a_stretched_axis_of_the_documents_is_undone_by_the_document_side():
    docs, queries, relevant, _ = planted(400, 160, 16, noise=0.3)
    stretch = np.ones(16, np.float32)
    stretch[0] = 12
    bent = normalised(docs * stretch)
    train, held = np.arange(110), np.arange(110, 160)
    query, both = fit_adapters(queries[train], bent, part(relevant, train))
    before = recall(queries[held], bent, part(relevant, held))
    one = recall(query.apply_queries(queries[held]), bent, part(relevant, held))
    two = recall(both.apply_queries(queries[held]), both.apply_docs(bent), part(relevant, held))
    assert both.changes_docs and two > one > before


def test_the_slope_is_that_of_the_value():
    docs, queries, relevant, rng = planted(30, 7, 5)
    problem = Problem(queries, docs, relevant, True)
    augmented = np.hstack([queries, np.ones((7, 1), np.float32)])
    loss = _Loss(problem, queries, augmented, Strength(3.0, 0.5, 0.25))
    at = 0.1 * rng.standard_normal(6 * 5 + 25)
    value, slope = loss.value_and_slope(at)
    for i in rng.choice(at.size, 12, False):
        step = np.zeros_like(at)
        step[i] = 1e-2
        difference = (loss.value_and_slope(at + step)[0] - loss.value_and_slope(at - step)[0]) / 2e-2
        assert difference == pytest.approx(slope[i], abs=2e-4 + 0.01 * abs(slope[i]))
    assert value > 0


def test_the_loss_is_the_formula_and_few_queries_give_the_same_minimum():
    docs, queries, relevant, _ = planted(40, 6, 12)
    problem = Problem(queries, docs, relevant, True)
    start = Weights(np.vstack([np.eye(12), np.zeros((1, 12))]).astype(np.float32))
    loss = _Loss(problem, queries, np.hstack([queries, np.ones((6, 1), np.float32)]), Strength(5.0, 0.0))
    total = 0.0
    for i in range(6):
        scores = 5.0 * docs.astype(np.float64) @ queries[i]
        wanted = relevant.members[2 * i : 2 * i + 2]
        others = np.delete(scores, wanted)
        total += np.mean([np.log1p(np.exp(others - scores[s]).sum()) for s in wanted]) / 6
    assert loss.value_and_slope(np.zeros(13 * 12))[0] == pytest.approx(total, rel=1e-5)
    again = Problem(
        np.repeat(queries, 3, axis=0),
        docs,
        RelevantSet(np.arange(19) * 2, np.repeat(relevant.members.reshape(6, 2), 3, axis=0).ravel()),
        True,
    )
    small = minimised(problem, start, Strength(5.0, 1.0), steps=300)  # fewer queries than values: solved in their span
    large = minimised(again, start, Strength(5.0, 3.0), steps=300)  # the same problem with every query three times: solved as it is
    np.testing.assert_allclose(small.query, large.query, atol=3e-3)


def test_the_same_seed_gives_the_same_bytes_and_low_rank_is_low_rank():
    docs, queries, relevant, rng = planted(200, 60, 16)
    queries = turned(queries, rng)
    first, second = (fit_adapter(queries, docs, relevant, seed=4) for _ in range(2))
    assert first.query_matrix.tobytes() == second.query_matrix.tobytes() and first.facts == second.facts
    from limitlab.retrieval.adapters import selection

    choice = selection.Choice("unchanged", strength=Strength(10.0, 0.1))
    cut = selection.Choice("unchanged", strength=Strength(10.0, 0.1), rank=3)
    made = selection.Choice.fitted(choice, Problem(queries, docs, relevant, True))
    from limitlab.retrieval.adapters.fitting import _adapter

    low = _adapter(Problem(queries, docs, relevant, True), cut, {})
    sizes = np.linalg.svd(low.query_matrix - np.eye(16), compute_uv=False)
    assert np.linalg.matrix_rank(made.query[:-1] - np.eye(16)) > 3 and sizes[3] < 1e-4 * sizes[0]


def test_a_rank_is_part_of_the_choice():
    """How far a fit may go is chosen among cut fits: on held-out queries the choice is better, once cut, than the one made without a rank."""
    from limitlab.retrieval.adapters import selection

    docs, queries, relevant, rng = planted(300, 130, 12, noise=0.3, seed=1)
    bent = normalised(docs * np.exp(rng.uniform(-1, 1, 12) * np.log(6)).astype(np.float32))
    problem = Problem(queries[:90], bent, part(relevant, np.arange(90)), True)
    folds = [(problem.part(s.train), problem.part(s.held_out)) for s in splits(problem.relevant, folds=3, seed=0)]

    def held_out(choice):
        return np.mean([selection.merit(held, choice.fitted(train, steps=15), 10).mean() for train, held in folds])

    free, low = (fit_adapter(problem.queries, bent, problem.relevant, rank=r).facts for r in (None, 1))
    assert free["ridge"] and low["ridge"] is None and (free["rank"], low["rank"]) == (None, 1)  # no fit of rank 1 is better than no change
    worse = selection.Choice(free["start"], free["start_ridge"], Strength(free["scale"], free["ridge"]), rank=1)
    assert held_out(worse) < held_out(selection.Choice("unchanged"))


def test_a_pool_holds_what_is_relevant_and_what_is_hard():
    docs, queries, relevant, _ = planted(900, 20, 8)
    problem = pooled(docs, queries, relevant, size=200, cosine=True, seen=[queries])
    assert len(problem.pool) == 200
    np.testing.assert_array_equal(problem.pool[problem.relevant.members], normalised(docs[relevant.members]))
    hardest = docs[np.argmax(queries @ docs.T, axis=1)]
    assert all((np.abs(problem.pool - row).max(axis=1) < 1e-6).any() for row in hardest)


def test_splits_keep_queries_and_documents_apart():
    _, _, relevant, rng = planted(60, 200, 4)
    parts = splits(relevant, folds=5, seed=1)
    assert sorted(np.concatenate([p.held_out for p in parts])) == list(range(200))
    assert all(not set(p.train) & set(p.held_out) for p in parts)
    apart = splits(relevant, folds=4, by="documents", seed=1)
    held = np.concatenate([p.held_out for p in apart])
    assert apart and len(set(held)) == held.size < 200
    groups = RelevantSet(np.arange(31), np.repeat(rng.permutation(15), 2))  # pairs of queries with one document in common
    whole = splits(groups, folds=3, by="documents", seed=1)
    assert sorted(np.concatenate([p.held_out for p in whole])) == list(range(30))
    for sets, every in ((relevant, apart), (groups, whole)):
        for p in every:
            assert not set(part(sets, p.train).members) & set(part(sets, p.held_out).members)
    assert splits(RelevantSet(np.array([0, 1, 2]), np.array([0, 0])), folds=2, by="documents") == []


def test_refusals():
    docs, queries, relevant, _ = planted(20, 8, 4)
    with pytest.raises(InvalidArgument, match="at least 6 queries"):
        fit_adapter(queries[:5], docs, part(relevant, np.arange(5)))
    with pytest.raises(ShapeError, match="same dimension"):
        fit_adapter(queries[:, :3], docs, relevant)
    with pytest.raises(ShapeError, match="a row for each query"):
        fit_adapter(queries[:7], docs, relevant)
    with pytest.raises(ShapeError, match="must be rows of docs"):
        fit_adapter(queries, docs[:5], relevant)
    with pytest.raises(UnknownName, match="sides"):
        fit_adapter(queries, docs, relevant, sides="docs")
    with pytest.raises(RangeError, match="rank"):
        fit_adapter(queries, docs, relevant, rank=0)
    with pytest.raises(RangeError, match="folds"):
        splits(relevant, folds=1)
