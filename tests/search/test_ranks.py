"""How many documents score more than each relevant one, and how many the same."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import ShapeError
from limitlab.search import RelevantRanks, RelevantSet, exact_search, search_scores, tie_order


def ids_of(n: int) -> list[str]:
    return [f"d{(7919 * i) % 10_007}" for i in range(n)]


def tied_vectors(seed: int, n_docs: int, n_queries: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(-1, 2, (n_docs, dim)).astype(np.float32), rng.integers(-1, 2, (n_queries, dim)).astype(np.float32)


def as_lists(ranks: RelevantRanks) -> tuple[list[int], list[int], list[int]]:
    return ranks.above.tolist(), ranks.tied.tolist(), ranks.before.tolist()


@pytest.mark.parametrize("rule", ["trec", "st"])
@pytest.mark.parametrize("most", [1, 3, 90])
@pytest.mark.parametrize("block_docs", [None, 17])
def test_counts_are_those_of_comparing_with_every_document(reference, make_relevant, rule: str, most: int, block_docs: int | None) -> None:
    docs, queries = tied_vectors(most, 700, 30, 5)
    places = tie_order(ids_of(700), rule)
    relevant = make_relevant(np.random.default_rng(most), 30, 700, most)
    scores = queries @ docs.T  # small whole numbers: exact
    ranks = exact_search(docs, queries, k=3, places=places, normalise=False, relevant=relevant, block_docs=block_docs).ranks
    assert ranks is not None
    assert as_lists(ranks) == reference.ranks(scores, relevant, places)
    assert ranks.indptr.tolist() == relevant.indptr.tolist()


def test_all_documents_relevant_gives_every_rank_once(make_relevant) -> None:
    rng = np.random.default_rng(0)
    docs, queries = rng.standard_normal((200, 8)), rng.standard_normal((10, 8))
    docs[100:] = docs[:100]
    relevant = RelevantSet(np.arange(11) * 200, np.tile(np.arange(200), 10))
    found = exact_search(docs, queries, k=200, places=tie_order(ids_of(200)), relevant=relevant)
    assert found.ranks is not None
    ranks = found.ranks.by_id().reshape(10, 200)
    assert np.array_equal(np.sort(ranks), np.tile(np.arange(1, 201), (10, 1)))
    assert np.array_equal(np.argsort(ranks), found.indices)
    assert (found.ranks.tied == 2).all()


def test_ranks_place_documents_where_the_list_has_them(make_relevant) -> None:
    docs, queries = tied_vectors(1, 300, 1100, 6)  # more than one block of queries
    places = tie_order(ids_of(300))
    relevant = make_relevant(np.random.default_rng(1), 1100, 300, 4)
    found = exact_search(docs, queries, k=300, places=places, relevant=relevant, block_docs=77)
    assert found.ranks is not None
    at = found.ranks.by_id() - 1
    assert np.array_equal(found.indices[relevant.rows, at], relevant.members)


def test_ranks_do_not_depend_on_the_length_of_the_lists(make_relevant) -> None:
    docs, queries = tied_vectors(2, 200, 20, 6)
    places = tie_order(ids_of(200))
    relevant = make_relevant(np.random.default_rng(2), 20, 200, 10)
    counted = [exact_search(docs, queries, k=k, places=places, relevant=relevant).ranks for k in (1, 200)]
    assert as_lists(counted[0]) == as_lists(counted[1])  # type: ignore[arg-type]


def test_near_ties_are_counted_by_the_exact_score(reference, make_relevant) -> None:
    rng = np.random.default_rng(3)
    base = rng.standard_normal(200)
    docs = reference.unit(base + 1e-6 * rng.standard_normal((300, 200)))
    queries = reference.unit(base + 0.3 * rng.standard_normal((4, 200)))
    scores = reference.scores(docs, queries)
    relevant = make_relevant(rng, 4, 300, 300)
    places = tie_order(ids_of(300))
    expected = reference.ranks(scores, relevant, places)
    assert reference.ranks(queries @ docs.T, relevant, places)[0] != expected[0], "the matrix product must err"
    ranks = exact_search(docs, queries, k=1, places=places, normalise=False, relevant=relevant).ranks
    assert ranks is not None
    assert as_lists(ranks) == expected


def test_queries_without_relevant_documents_have_no_ranks() -> None:
    docs = np.eye(4, dtype=np.float32)
    ranks = exact_search(docs, docs, k=1, places=tie_order(list("abcd")), relevant=RelevantSet([0, 0, 2, 2, 2], [1, 2])).ranks
    assert ranks is not None
    assert ranks.indptr.tolist() == [0, 0, 2, 2, 2]
    assert as_lists(ranks) == ([0, 1], [1, 3], [0, 1])


def test_no_relevance_no_ranks() -> None:
    assert exact_search(np.eye(3), np.eye(3), k=1, places=tie_order(list("abc"))).ranks is None


def test_relevance_must_have_a_row_for_every_query() -> None:
    with pytest.raises(ShapeError, match="one row per query; got 1 rows, 3 queries"):
        exact_search(np.eye(3), np.eye(3), k=1, places=tie_order(list("abc")), relevant=RelevantSet([0, 1], [0]))


@pytest.mark.parametrize("member", [3, -1])
def test_relevant_documents_must_exist(member: int) -> None:
    with pytest.raises((ShapeError, IndexError)):
        exact_search(np.eye(3), np.eye(3), k=1, places=tie_order(list("abc")), relevant=RelevantSet([0, 1, 1, 1], [member]))


# -- ranks from given lists ---------------------------------------------------------------------------------------


def test_ranks_within_given_lists() -> None:
    indices = np.array([[3, 0, 2, -1], [1, -1, -1, -1]])
    scores = np.array([[2.0, 5.0, 2.0, -np.inf], [1.0, -np.inf, -np.inf, -np.inf]], np.float32)
    relevant = RelevantSet([0, 3, 4], [0, 1, 3, 0])
    ranks = RelevantRanks.from_lists(relevant, indices, scores, tie_order(list("abcd"), "st"))
    assert as_lists(ranks) == ([0, -1, 1, -1], [1, 0, 2, 0], [0, 0, 1, 0])
    assert ranks.by_id().tolist() == [1, 0, 3, 0]


def test_full_lists_give_the_ranks_of_the_search(make_relevant) -> None:
    docs, queries = tied_vectors(4, 80, 15, 4)
    places = tie_order(ids_of(80))
    relevant = make_relevant(np.random.default_rng(4), 15, 80, 9)
    found = exact_search(docs, queries, k=80, places=places, relevant=relevant)
    assert found.ranks is not None
    shuffled = np.random.default_rng(5).permutation(80)
    again = RelevantRanks.from_lists(relevant, found.indices[:, shuffled], found.scores[:, shuffled], places)
    assert as_lists(again) == as_lists(found.ranks)


def test_joined_blocks_are_the_whole(make_relevant) -> None:
    docs, queries = tied_vectors(6, 60, 12, 4)
    places = tie_order(ids_of(60))
    relevant = make_relevant(np.random.default_rng(6), 12, 60, 5)
    whole = exact_search(docs, queries, k=1, places=places, relevant=relevant).ranks
    spans = [(0, 5), (5, 10), (10, 12)]
    parts = [exact_search(docs, queries[i:j], k=1, places=places, relevant=relevant.part(i, j)).ranks for i, j in spans]
    joined = RelevantRanks.joined(parts)  # type: ignore[arg-type]
    assert whole is not None
    assert joined.indptr.tolist() == whole.indptr.tolist()
    assert as_lists(joined) == as_lists(whole)
    assert RelevantRanks.joined([]).indptr.tolist() == [0]


# -- scores that are final ----------------------------------------------------------------------------------------


def random_scores(seed: int, n_queries: int, n_docs: int) -> np.ndarray:
    """Many ties, many zeros, some below zero."""
    return np.random.default_rng(seed).integers(-2, 4, (n_queries, n_docs)).astype(np.float32) / 4


@pytest.mark.parametrize("rule", ["trec", "st"])
def test_lists_from_scores_are_sorted_scores(reference, rule: str) -> None:
    scores = random_scores(0, 20, 50)
    found = search_scores([scores[:7], scores[7:]], n_docs=50, k=12, places=tie_order(ids_of(50), rule))
    assert np.array_equal(found.indices, reference.lists(scores, ids_of(50), 12, ascending=rule == "st"))
    assert np.array_equal(found.scores, np.take_along_axis(scores, found.indices, 1))
    assert found.ranks is None


def test_documents_at_or_below_the_floor_are_not_retrieved(reference, make_relevant) -> None:
    scores = random_scores(1, 20, 50)
    places = tie_order(ids_of(50))
    relevant = make_relevant(np.random.default_rng(1), 20, 50, 12)
    found = search_scores([scores], n_docs=50, k=50, places=places, relevant=relevant, lowest=0.0)
    hits = (scores > 0).sum(axis=1)
    for row, values, n_hits, expected in zip(found.indices, found.scores, hits, reference.lists(scores, ids_of(50), 50)):
        assert row[:n_hits].tolist() == expected[:n_hits].tolist()
        assert (row[n_hits:] == -1).all()
        assert (values[n_hits:] == -np.inf).all()
    assert found.ranks is not None
    missing = scores[relevant.rows, relevant.members] <= 0
    assert missing.any()
    above, tied, before = reference.ranks(scores, relevant, places)
    assert found.ranks.above.tolist() == np.where(missing, -1, above).tolist()
    assert found.ranks.tied.tolist() == np.where(missing, 0, tied).tolist()
    assert found.ranks.before.tolist() == np.where(missing, 0, before).tolist()


def test_a_query_without_hits_is_all_padding() -> None:
    found = search_scores([np.zeros((1, 3))], n_docs=3, k=2, places=tie_order(list("abc")), relevant=RelevantSet([0, 1], [2]), lowest=0.0)
    assert found.indices.tolist() == [[-1, -1]]
    assert found.scores.tolist() == [[-np.inf, -np.inf]]
    assert found.ranks is not None
    assert as_lists(found.ranks) == ([-1], [0], [0])


def test_blocks_of_queries_change_nothing(make_relevant) -> None:
    scores = random_scores(2, 30, 40)
    places = tie_order(ids_of(40))
    relevant = make_relevant(np.random.default_rng(2), 30, 40, 6)
    whole = search_scores([scores], n_docs=40, k=10, places=places, relevant=relevant)
    parts = search_scores(iter([scores[:1], scores[1:1], scores[1:20], scores[20:]]), n_docs=40, k=10, places=places, relevant=relevant)
    assert np.array_equal(parts.indices, whole.indices)
    assert as_lists(parts.ranks) == as_lists(whole.ranks)  # type: ignore[arg-type]


def test_lists_are_never_longer_than_the_corpus() -> None:
    assert search_scores([np.ones((2, 3))], n_docs=3, k=99, places=tie_order(list("abc"))).indices.shape == (2, 3)


def test_a_document_scored_minus_infinity_is_not_retrieved() -> None:
    scores = np.array([[1.0, -np.inf, 2.0]], np.float32)
    found = search_scores([scores], n_docs=3, k=3, places=tie_order(list("abc")), relevant=RelevantSet([0, 1], [1]))
    assert found.indices.tolist() == [[2, 0, -1]]
    assert found.ranks is not None
    assert found.ranks.above.tolist() == [-1]
    assert found.ranks.by_id().tolist() == [0]


def test_scores_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ShapeError, match="NaN"):
        search_scores([np.array([[1.0, np.nan]])], n_docs=2, k=1, places=tie_order(list("ab")), relevant=RelevantSet([0, 1], [1]))


def test_blocks_must_be_as_wide_as_the_corpus() -> None:
    with pytest.raises(ShapeError, match="every block must have n_docs=4 columns; got 3"):
        search_scores([np.ones((2, 3))], n_docs=4, k=1, places=tie_order(list("abcd")))
