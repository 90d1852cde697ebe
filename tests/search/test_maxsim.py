"""MaxSim against a literal double loop: scores, lists, exact ranks, and that blocks decide nothing."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError
from limitlab.search import RelevantSet, normalised, tie_order
from limitlab.search.maxsim import maxsim_search
from limitlab.search.token_vectors import TokenVectors

DIM = 24


def ragged(rng: np.random.Generator, lengths: list[int], dim: int = DIM) -> list[np.ndarray]:
    return [normalised(rng.standard_normal((n, dim)).astype(np.float32)) for n in lengths]


def literal(docs: list[np.ndarray], queries: list[np.ndarray]) -> np.ndarray:
    """(n_queries, n_docs) float64; -inf for documents without tokens."""
    out = np.zeros((len(queries), len(docs)))
    for i, query in enumerate(queries):
        for j, doc in enumerate(docs):
            out[i, j] = -np.inf if not len(doc) else sum(max(float(q.astype(float) @ d.astype(float)) for d in doc) for q in query)
    return out


def places_of(n: int) -> np.ndarray:
    return tie_order([f"d{i:04d}" for i in range(n)])


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(5)
    docs = ragged(rng, [int(n) for n in rng.integers(0, 14, 60)])
    docs[7] = np.zeros((0, DIM), np.float32)
    docs[20] = docs[3][::-1].copy()  # the same tokens in another order: equal by definition
    queries = ragged(rng, [5, 1, 9, 0, 3, 7, 2])
    return docs, queries, literal(docs, queries)


def relevant_to(scores: np.ndarray, rng: np.random.Generator) -> RelevantSet:
    picks = [rng.choice(scores.shape[1], 4, replace=False) for _ in scores]
    return RelevantSet(np.arange(len(picks) + 1) * 4, np.concatenate(picks))


@pytest.mark.parametrize(("doc_tokens", "query_tokens"), [(1024, 512), (1, 1), (30, 8), (13, 10**6)])
def test_lists_and_ranks_are_those_of_the_definition(corpus, doc_tokens, query_tokens):
    docs, queries, scores = corpus
    places, relevant = places_of(len(docs)), relevant_to(scores, np.random.default_rng(1))
    found = maxsim_search(
        TokenVectors.of(docs),
        TokenVectors.of(queries),
        k=10,
        places=places,
        relevant=relevant,
        doc_tokens=doc_tokens,
        query_tokens=query_tokens,
    )
    rounded = scores.astype(np.float32)
    for i in range(len(queries)):
        order = np.lexsort((places, -rounded[i]))
        order = order[rounded[i][order] > -np.inf][:10]
        assert found.indices[i].tolist() == order.tolist()
        np.testing.assert_allclose(found.scores[i], rounded[i][order], rtol=1e-6, atol=1e-6)
        for p in range(relevant.indptr[i], relevant.indptr[i + 1]):
            d = relevant.members[p]
            if not len(docs[d]):
                assert found.ranks.above[p] == -1 and found.ranks.tied[p] == 0
            elif len(queries[i]):
                assert found.ranks.above[p] == (rounded[i] > rounded[i, d]).sum()
                assert found.ranks.tied[p] == (rounded[i] == rounded[i, d]).sum()


def test_blocks_change_no_byte(corpus):
    docs, queries, scores = corpus
    relevant = relevant_to(scores, np.random.default_rng(2))
    results = [
        maxsim_search(
            TokenVectors.of(docs), TokenVectors.of(queries), k=60, places=places_of(60), relevant=relevant, doc_tokens=a, query_tokens=b
        )
        for a, b in ((4096, 4096), (1, 1), (17, 5))
    ]
    for other in results[1:]:
        assert other.indices.tobytes() == results[0].indices.tobytes()
        assert other.scores.tobytes() == results[0].scores.tobytes()
        for field in ("above", "tied", "before"):
            assert (getattr(other.ranks, field) == getattr(results[0].ranks, field)).all()


def test_the_order_of_a_document_s_tokens_and_of_documents_does_not_matter(corpus):
    docs, queries, _ = corpus
    found = maxsim_search(TokenVectors.of(docs), TokenVectors.of(queries), k=60, places=places_of(60))
    for i in range(len(queries)):
        at = {int(d): s for d, s in zip(found.indices[i], found.scores[i])}
        assert at[3] == at[20]
    turned = np.random.default_rng(0).permutation(60)
    again = maxsim_search(TokenVectors.of([docs[j] for j in turned]), TokenVectors.of(queries), k=60, places=places_of(60)[turned])
    kept = again.indices >= 0
    assert (np.where(kept, turned[again.indices], -1) == found.indices).all()
    assert again.scores.tobytes() == found.scores.tobytes()


def test_a_document_without_tokens_is_never_retrieved_and_a_query_without_tokens_ties_everywhere(corpus):
    docs, queries, _ = corpus
    relevant = RelevantSet(np.arange(len(queries) + 1), np.full(len(queries), 3))
    found = maxsim_search(TokenVectors.of(docs), TokenVectors.of(queries), k=60, places=places_of(60), relevant=relevant)
    empty = {j for j, d in enumerate(docs) if not len(d)}
    assert 7 in empty and not empty & set(found.indices.ravel().tolist())
    assert (found.scores[3][found.indices[3] >= 0] == 0).all()
    assert found.ranks.tied[3] == 60 - len(empty)


def test_differences_far_below_float32_products_are_decided_exactly():
    """Documents that differ by one unit in the last place of one value: float32 products cannot tell them apart."""
    rng = np.random.default_rng(8)
    base = ragged(rng, [6], 384)[0]
    docs = []
    for step in range(40):
        doc = base.copy()
        doc[step % 6, step] = np.nextafter(doc[step % 6, step], np.float32(2), dtype=np.float32)
        docs.append(doc)
    queries = ragged(rng, [4, 30], 384)
    scores = literal(docs, queries).astype(np.float32)
    relevant = RelevantSet(np.array([0, 40, 80]), np.tile(np.arange(40), 2))
    found = maxsim_search(TokenVectors.of(docs), TokenVectors.of(queries), k=40, places=places_of(40), relevant=relevant, doc_tokens=50)
    above = (scores[relevant.rows] > scores[relevant.rows, relevant.members][:, None]).sum(axis=1)
    assert (np.abs(found.ranks.above - above) <= 1).mean() > 0.95  # float64 sums in another order may round otherwise
    assert (np.diff(found.scores, axis=1) <= 0).all() and len(np.unique(found.scores[0])) < 40


def test_half_precision_storage_scores_the_stored_values(corpus):
    docs, queries, _ = corpus
    short = [d.astype(np.float16) for d in docs]
    found = maxsim_search(TokenVectors.of(docs, dtype="float16"), TokenVectors.of(queries), k=5, places=places_of(60))
    again = maxsim_search(TokenVectors.of([d.astype(np.float32) for d in short]), TokenVectors.of(queries), k=5, places=places_of(60))
    assert found.scores.tobytes() == again.scores.tobytes()
    assert TokenVectors.of(docs, dtype="float16").nbytes * 2 == TokenVectors.of(docs).nbytes


def test_vectors_of_any_length_are_used_as_they_are():
    rng = np.random.default_rng(3)
    docs = [rng.standard_normal((n, 8)).astype(np.float32) * 10.0 ** rng.integers(-3, 3) for n in (3, 5, 2, 8)]
    queries = [rng.standard_normal((n, 8)).astype(np.float32) for n in (2, 4)]
    found = maxsim_search(TokenVectors.of(docs), TokenVectors.of(queries), k=4, places=places_of(4))
    assert (found.indices == np.argsort(-literal(docs, queries), axis=1)).all()


def test_blocks_follow_storage_and_hold_every_text_once():
    rng = np.random.default_rng(4)
    a, b = (rng.standard_normal((n, 3)).astype(np.float32) for n in (10, 6))
    texts = TokenVectors([a, b], part=np.array([1, 0, 0, 1]), start=np.array([2, 4, 0, 0]), length=np.array([4, 6, 4, 2]))
    seen = [(block.numbers.tolist(), len(block.values)) for block in texts.blocks(10)]
    assert seen == [([2, 1], 10), ([3, 0], 6)]
    assert (texts.rows(0) == b[2:6]).all() and (texts.rows(1) == a[4:10]).all()


def test_what_cannot_be_scored_is_refused(corpus):
    docs, queries, _ = corpus
    d, q = TokenVectors.of(docs), TokenVectors.of(queries)
    with pytest.raises(ShapeError, match="same dimension"):
        maxsim_search(d, TokenVectors.of(ragged(np.random.default_rng(0), [2], 5)), k=1, places=places_of(60))
    with pytest.raises(RangeError, match="k must be >= 1"):
        maxsim_search(d, q, k=0, places=places_of(60))
    with pytest.raises(ShapeError, match="one row per query"):
        maxsim_search(d, q, k=1, places=places_of(60), relevant=RelevantSet(np.zeros(2, int), np.zeros(0, int)))
    with pytest.raises(ShapeError, match="finite"):
        TokenVectors.of([np.full((2, 3), np.nan, np.float32)])
    with pytest.raises(ShapeError, match="inside its array"):
        TokenVectors([np.zeros((3, 2), np.float32)], part=np.zeros(1), start=np.array([2]), length=np.array([2]))
