"""What must hold for any documents, queries, relevance and cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from limitlab.search import RelevantSet, exact_search, tie_order

SETTINGS = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Vectors of small whole numbers, so that every score is exact and ties abound; k may exceed the documents."""
    n_docs, n_queries, dim = draw(st.integers(1, 30)), draw(st.integers(1, 6)), draw(st.integers(1, 9))
    numbers = st.integers(-2, 2)
    docs = draw(hnp.arrays(np.float32, (n_docs, dim), elements=numbers))
    queries = draw(hnp.arrays(np.float32, (n_queries, dim), elements=numbers))
    return docs, queries, draw(st.integers(1, n_docs + 3))


@SETTINGS
@given(problems(), st.sampled_from([1, 6, 17, 50]), st.sampled_from(["trec", "st"]))
def test_lists_are_the_sorted_scores_for_any_block(problem, block_docs: int, rule: str) -> None:
    docs, queries, k = problem
    ids = [str(j) for j in range(len(docs))]
    found = exact_search(docs, queries, k=k, places=tie_order(ids, rule), normalise=False, block_docs=block_docs)
    by_id = sorted(range(len(docs)), key=ids.__getitem__, reverse=rule == "trec")
    for row, scores in zip(found.indices, queries @ docs.T):
        assert row.tolist() == sorted(by_id, key=lambda j: -scores[j])[:k]


@SETTINGS
@given(problems(), st.randoms(use_true_random=False), st.booleans())
def test_permuting_the_documents_permutes_the_rankings(problem, random, normalise: bool) -> None:
    docs, queries, k = problem
    ids = [f"d{j}" for j in range(len(docs))]
    order = list(range(len(docs)))
    random.shuffle(order)
    one = exact_search(docs, queries, k=k, places=tie_order(ids), normalise=normalise)
    other = exact_search(docs[order], queries, k=k, places=tie_order([ids[j] for j in order]), normalise=normalise)
    assert np.array_equal(np.array(order)[other.indices], one.indices)
    assert np.array_equal(other.scores, one.scores)


@SETTINGS
@given(problems(), st.randoms(use_true_random=False))
def test_permuting_the_queries_permutes_the_lists(problem, random) -> None:
    docs, queries, k = problem
    order = list(range(len(queries)))
    random.shuffle(order)
    places = tie_order([str(j) for j in range(len(docs))])
    one, other = (exact_search(docs, q, k=k, places=places) for q in (queries, queries[order]))
    assert np.array_equal(other.indices, one.indices[order])


@SETTINGS
@given(st.integers(0, 10_000), st.integers(2, 12), st.booleans())
def test_rotating_the_space_changes_no_ranking(seed: int, dim: int, normalise: bool) -> None:
    """Documents at clearly different angles and lengths: no two scores of a query are within rounding of each other."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    docs, queries = rng.standard_normal((30, dim)), rng.standard_normal((5, dim))
    lengths = (lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)) if normalise else (lambda x: x)
    scores = lengths(queries) @ lengths(docs).T
    clear = np.diff(np.sort(scores, axis=1)).min(axis=1) > 1e-5
    places = tie_order([str(j) for j in range(30)])
    one = exact_search(docs, queries, k=30, places=places, normalise=normalise)
    other = exact_search(docs @ rotation, queries @ rotation, k=30, places=places, normalise=normalise)
    assert np.array_equal(other.indices[clear], one.indices[clear])
    np.testing.assert_allclose(other.scores, one.scores, atol=1e-5)


@SETTINGS
@given(problems(), st.data())
def test_ranks_and_lists_tell_the_same(problem, data: st.DataObject) -> None:
    docs, queries, _ = problem
    members = [sorted(data.draw(st.sets(st.integers(0, len(docs) - 1), max_size=5))) for _ in queries]
    relevant = RelevantSet(np.cumsum([0, *map(len, members)]), np.array([j for row in members for j in row], np.int64))
    found = exact_search(docs, queries, k=len(docs), places=tie_order([str(j) for j in range(len(docs))]), relevant=relevant)
    assert found.ranks is not None
    at = found.ranks.by_id() - 1
    assert found.indices[relevant.rows, at].tolist() == relevant.members.tolist()
    own = found.scores[relevant.rows, at]
    assert found.ranks.above.tolist() == [(found.scores[q] > s).sum() for q, s in zip(relevant.rows, own)]
    assert found.ranks.tied.tolist() == [(found.scores[q] == s).sum() for q, s in zip(relevant.rows, own)]


@SETTINGS
@given(problems(), st.integers(-30, 30))
def test_the_length_of_vectors_does_not_matter_after_normalisation(problem, exponent: int) -> None:
    docs, queries, k = problem
    places = tie_order([str(j) for j in range(len(docs))])
    one = exact_search(docs, queries, k=k, places=places)
    other = exact_search(np.ldexp(docs, exponent), np.ldexp(queries, -exponent), k=k, places=places)
    assert np.array_equal(other.indices, one.indices)
    assert np.array_equal(other.scores, one.scores)
