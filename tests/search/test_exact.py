"""Exact top-k: the same answer as brute force, whatever the blocks, types and ties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError
from limitlab.search import exact_search, tie_order


def ids_of(n: int) -> list[str]:
    """Ids whose order as text is not the order of the columns."""
    return [f"d{(7919 * i) % 10_007}" for i in range(n)]


def cloud(seed: int, n_docs: int, n_queries: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_docs, dim)).astype(np.float32), rng.standard_normal((n_queries, dim)).astype(np.float32)


def small_integers(seed: int, n_docs: int, n_queries: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of -1, 0, 1: exact in every type, and nearly every score tied with others."""
    rng = np.random.default_rng(seed)
    return rng.integers(-1, 2, (n_docs, dim)).astype(np.float32), rng.integers(-1, 2, (n_queries, dim)).astype(np.float32)


# -- against brute force ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("dim", [1, 3, 31, 32, 33, 100])
def test_lists_and_scores_are_those_of_brute_force(reference, dim: int, normalise: bool) -> None:
    docs, queries = cloud(dim, 150, 12, dim)
    ids = ids_of(150)
    found = exact_search(docs, queries, k=20, places=tie_order(ids), normalise=normalise)
    prepare = reference.unit if normalise else (lambda x: x)
    scores = reference.scores(prepare(docs), prepare(queries))
    expected = reference.lists(scores, ids, 20)
    if normalise:  # unit vectors rounded another way may differ in the last bit
        np.testing.assert_allclose(found.scores, np.take_along_axis(scores, expected, 1), rtol=0, atol=3e-7)
        np.testing.assert_allclose(np.take_along_axis(scores, found.indices, 1), found.scores, rtol=0, atol=3e-7)
        clear = np.diff(-np.take_along_axis(scores, reference.lists(scores, ids, 21), 1)).min(axis=1) > 1e-6
        assert dim == 1 or clear.any()
        assert np.array_equal(found.indices[clear], expected[clear])
    else:
        assert np.array_equal(found.indices, expected)
        assert np.array_equal(found.scores, np.take_along_axis(scores, expected, 1))


@pytest.mark.parametrize("rule", ["trec", "st", "worst", "best", "expected"])
@pytest.mark.parametrize("k", [1, 7, 60])
def test_ties_follow_the_ids(reference, rule: str, k: int) -> None:
    docs, queries = small_integers(1, 60, 40, 4)
    ids = ids_of(60)
    found = exact_search(docs, queries, k=k, places=tie_order(ids, rule), normalise=False)
    expected = reference.lists(reference.scores(docs, queries), ids, k, ascending=rule == "st")
    assert np.array_equal(found.indices, expected)


@pytest.mark.parametrize("normalise", [True, False])
def test_duplicate_vectors_tie_exactly_wherever_they_stand(normalise: bool) -> None:
    """40 distinct vectors, each at 25 scattered positions: every list is whole groups, each in id order."""
    vectors, queries = cloud(5, 40, 30, 67)
    which = np.random.default_rng(6).permutation(np.repeat(np.arange(40), 25))
    ids = ids_of(1000)
    found = exact_search(vectors[which], queries, k=1000, places=tie_order(ids), normalise=normalise, block_docs=37)
    for row, scores in zip(found.indices, found.scores):
        groups, values = which[row].reshape(40, 25), scores.reshape(40, 25)
        assert (groups == groups[:, :1]).all()
        assert (values == values[:, :1]).all()
        for members in row.reshape(40, 25):
            assert [ids[j] for j in members] == sorted((ids[j] for j in members), reverse=True)


def near_ties(seed: int, n_docs: int, dim: int = 48) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Integer vectors whose true scores 0 .. n_docs - 1 drown in the rounding of a float32 sum.

    Terms of +-2**25 cancel exactly, but a float32 partial sum of that size has steps of 4. Returns docs, queries, scores.
    """
    rng = np.random.default_rng(seed)
    large = 2**25 * np.repeat([1, -1], dim // 3)
    rows = []
    for score in range(n_docs):
        small = rng.multinomial(score, np.ones(dim - large.size) / (dim - large.size))
        rows.append(np.concatenate([rng.permutation(large), small]))
    docs = np.array(rows)[rng.permutation(n_docs)]
    docs = docs[:, rng.permutation(dim)]
    return docs.astype(np.float32), np.ones((1, dim), np.float32), docs.sum(axis=1)


@pytest.mark.parametrize("block_docs", [None, 13, 200])
def test_near_ties_that_float32_puts_in_the_wrong_order_come_out_right(block_docs: int | None) -> None:
    docs, queries, truth = near_ties(0, 200)
    right = np.argsort(-truth)
    wrong = np.argsort(-(queries @ docs.T)[0], kind="stable")
    assert (right[:20] != wrong[:20]).any(), "the matrix product must err, or this test shows nothing"
    found = exact_search(docs, queries, k=20, places=tie_order(ids_of(200)), normalise=False, block_docs=block_docs)
    assert found.indices[0].tolist() == right[:20].tolist()
    assert found.scores[0].tolist() == truth[right[:20]].tolist()


@pytest.mark.parametrize("exponent", [-110, -60, 60, 90])
def test_the_guard_band_holds_at_every_scale(exponent: int) -> None:
    """Powers of two move no mantissa bit: documents scaled down and queries scaled up give the same ranking."""
    for seed in range(4):
        docs, queries, truth = near_ties(seed, 200)
        scaled = np.ldexp(docs, exponent), np.ldexp(queries, -exponent)
        found = exact_search(*scaled, k=20, places=tie_order(ids_of(200)), normalise=False, block_docs=50)
        assert found.indices[0].tolist() == np.argsort(-truth)[:20].tolist()


def test_near_ties_of_unit_vectors_are_decided_by_the_exact_score(reference) -> None:
    """Documents a few last bits from one another: float32 products reorder them, exact scores do not."""
    rng = np.random.default_rng(2)
    base = rng.standard_normal(384)
    docs = reference.unit(base + 1e-6 * rng.standard_normal((300, 384)))
    queries = reference.unit(base + 0.3 * rng.standard_normal((5, 384)))
    ids = ids_of(300)
    scores = reference.scores(docs, queries)
    expected = reference.lists(scores, ids, 50)
    by_product = reference.lists((queries @ docs.T), ids, 50)
    assert (expected != by_product).any(), "the matrix product must err, or this test shows nothing"
    assert np.array_equal(exact_search(docs, queries, k=50, places=tie_order(ids), normalise=False).indices, expected)


# -- invariances --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many_queries():
    docs, queries = cloud(3, 700, 1100, 20)
    docs[350:] = docs[:350]  # every document twice
    places = tie_order(ids_of(700))
    return docs, queries, places, exact_search(docs, queries, k=30, places=places)


@pytest.mark.parametrize("options", [{"block_docs": 19}, {"block_docs": 350}, {"block_docs": 10_000}, {"memory_bytes": 1}], ids=str)
def test_blocks_and_memory_change_nothing(many_queries, options: dict) -> None:
    docs, queries, places, whole = many_queries
    found = exact_search(docs, queries, k=30, places=places, **options)
    assert np.array_equal(found.indices, whole.indices)
    assert np.array_equal(found.scores, whole.scores)


def test_more_queries_than_a_block_holds_change_nothing(many_queries) -> None:
    docs, queries, places, whole = many_queries
    assert len(queries) > 1024
    parts = [exact_search(docs, queries[i : i + 90], k=30, places=places) for i in range(0, len(queries), 90)]
    assert np.array_equal(np.concatenate([p.indices for p in parts]), whole.indices)
    assert np.array_equal(np.concatenate([p.scores for p in parts]), whole.scores)


def test_more_documents_than_a_block_holds_are_all_searched() -> None:
    docs, queries = cloud(4, 9000, 3, 16)
    found = exact_search(docs, queries, k=9000, places=tie_order(ids_of(9000)), normalise=False)
    scores = (queries.astype(np.float64) @ docs.astype(np.float64).T).astype(np.float32)
    assert np.array_equal(np.sort(found.indices, axis=1), np.tile(np.arange(9000), (3, 1)))
    np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1), rtol=2e-7)


def test_a_list_is_the_start_of_a_longer_one(many_queries) -> None:
    docs, queries, places, whole = many_queries
    assert np.array_equal(exact_search(docs, queries, k=4, places=places).indices, whole.indices[:, :4])


def test_documents_on_disk_are_searched_as_in_memory(tmp_path: Path, many_queries) -> None:
    docs, queries, places, whole = many_queries
    np.save(tmp_path / "docs.npy", docs)
    mapped = np.load(tmp_path / "docs.npy", mmap_mode="r")
    found = exact_search(mapped, queries, k=30, places=places, block_docs=100)
    assert np.array_equal(found.indices, whole.indices)
    assert np.array_equal(found.scores, whole.scores)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8])
def test_any_real_type_of_documents(dtype: type) -> None:
    docs, queries = small_integers(7, 200, 10, 9)
    places = tie_order(ids_of(200))
    expected = exact_search(docs, queries, k=50, places=places)
    found = exact_search(docs.astype(dtype), queries, k=50, places=places)
    assert np.array_equal(found.indices, expected.indices)
    assert found.scores.dtype == np.float32


def test_half_precision_documents_are_searched_as_their_float32_values() -> None:
    docs, queries = cloud(8, 500, 10, 40)
    halves = docs.astype(np.float16)
    places = tie_order(ids_of(500))
    expected = exact_search(halves.astype(np.float32), queries, k=50, places=places)
    assert np.array_equal(exact_search(halves, queries, k=50, places=places).indices, expected.indices)


def test_documents_need_not_be_contiguous() -> None:
    docs, queries = cloud(9, 100, 5, 24)
    places = tie_order(ids_of(50))
    expected = exact_search(docs[::2].copy(), queries, k=10, places=places)
    assert np.array_equal(exact_search(docs[::2], queries, k=10, places=places).indices, expected.indices)
    assert np.array_equal(exact_search(np.asfortranarray(docs[::2]), queries, k=10, places=places).indices, expected.indices)


# -- truncation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 5, 16])
def test_truncated_vectors_are_normalised_again(dim: int) -> None:
    docs, queries = cloud(10, 200, 10, 16)
    places = tie_order(ids_of(200))
    found = exact_search(docs, queries, k=30, places=places, dim=dim)
    cut = exact_search(docs[:, :dim].copy(), queries[:, :dim].copy(), k=30, places=places)
    assert np.array_equal(found.indices, cut.indices)
    assert np.array_equal(found.scores, cut.scores)
    cosines = np.einsum("qd,qkd->qk", queries[:, :dim], docs[found.indices][:, :, :dim])
    cosines /= np.linalg.norm(queries[:, :dim], axis=1)[:, None] * np.linalg.norm(docs[found.indices][:, :, :dim], axis=2)
    np.testing.assert_allclose(found.scores, cosines, atol=1e-6)


def test_truncation_without_normalisation_is_the_plain_inner_product() -> None:
    docs = np.array([[3.0, 0.0, 9.0], [1.0, 9.0, 0.0], [2.0, 0.0, 0.0]], np.float32)
    found = exact_search(docs, np.ones((1, 3)), k=3, places=tie_order(list("abc")), dim=1, normalise=False)
    assert found.indices.tolist() == [[0, 2, 1]]
    assert found.scores.tolist() == [[3.0, 2.0, 1.0]]


# -- edges --------------------------------------------------------------------------------------------------------


def test_k_beyond_the_documents_gives_all_of_them() -> None:
    docs, queries = cloud(11, 5, 3, 4)
    found = exact_search(docs, queries, k=100, places=tie_order(ids_of(5)))
    assert found.indices.shape == found.scores.shape == (3, 5)
    assert np.array_equal(np.sort(found.indices), np.tile(np.arange(5), (3, 1)))


def test_zero_vectors_score_zero() -> None:
    docs = np.array([[0, 0], [1, 0], [-1, 0], [0, 0]], np.float32)
    found = exact_search(docs, np.array([[1, 0], [0, 0]], np.float32), k=4, places=tie_order(list("abcd"), "st"))
    assert found.indices.tolist() == [[1, 0, 3, 2], [0, 1, 2, 3]]
    assert found.scores.tolist() == [[1, 0, 0, -1], [0, 0, 0, 0]]


def test_positive_and_negative_zero_are_one_score() -> None:
    docs = np.array([[0.0, 1.0], [-0.0, -1.0]], np.float32)
    found = exact_search(docs, np.array([[-1.0, 0.0]], np.float32), k=2, places=tie_order(["a", "b"], "st"), normalise=False)
    assert found.indices.tolist() == [[0, 1]]


def test_no_queries_and_no_documents_have_empty_lists() -> None:
    docs, queries = cloud(12, 5, 3, 4)
    assert exact_search(docs, queries[:0], k=2, places=tie_order(ids_of(5))).indices.shape == (0, 2)
    assert exact_search(docs[:0], queries, k=2, places=tie_order([])).indices.shape == (3, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_counted_and_named(value: float) -> None:
    docs, queries = cloud(13, 300, 5, 4)
    places = tie_order(ids_of(300))
    broken = docs.copy()
    broken[[150, 151, 152, 153], 2] = value
    with pytest.raises(ShapeError) as caught:
        exact_search(broken, queries, k=3, places=places, block_docs=100)
    assert str(caught.value) == "exact_search(): docs must be finite; 4 rows hold NaN or infinity, first rows: 150, 151, 152."
    asked = queries.copy()
    asked[4] = value
    with pytest.raises(ShapeError, match=r"queries must be finite; 1 rows hold NaN or infinity, first rows: 4\."):
        exact_search(docs, asked, k=3, places=places)


def test_float64_values_beyond_float32_are_refused_not_lost() -> None:
    docs = np.array([[1e39, 0.0], [0.0, 1e39], [1.0, 1.0]])
    with pytest.raises(ShapeError, match="docs"):
        exact_search(docs, np.array([[1.0, 0.5]]), k=3, places=tie_order(list("abc")))


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"docs": np.zeros(3)}, ShapeError, r"docs must have shape \(n, dim\) with dim >= 1; got shape \(3,\)"),
        ({"docs": np.zeros((3, 0))}, ShapeError, r"docs must have shape"),
        ({"docs": np.zeros((3, 4), complex)}, ShapeError, "docs must hold real numbers; got dtype complex128"),
        ({"queries": np.zeros((2, 5))}, ShapeError, "must have the same dimension; got 4 and 5"),
        ({"k": 0}, RangeError, r"k must be >= 1; got k=0"),
        ({"k": 2.5}, RangeError, "k must be a whole number"),
        ({"dim": 5}, RangeError, r"dim must be in \[1, 4\]; got dim=5"),
        ({"dim": 0}, RangeError, "dim must be"),
        ({"places": np.zeros(2, np.int32)}, ShapeError, "places"),
        ({"block_docs": 0}, RangeError, "block_docs"),
    ],
    ids=lambda value: str(list(value)) if isinstance(value, dict) else None,
)
def test_bad_arguments_are_refused(change: dict, error: type[Exception], message: str) -> None:
    arguments = {"docs": np.eye(3, 4), "queries": np.eye(2, 4), "k": 2, "places": tie_order(list("abc")), **change}
    with pytest.raises(error, match=message):
        exact_search(arguments.pop("docs"), arguments.pop("queries"), **arguments)


def test_searching_changes_neither_vectors_nor_places() -> None:
    docs, queries = cloud(14, 50, 5, 4)
    places = tie_order(ids_of(50))
    kept = docs.copy(), queries.copy(), places.copy()
    for array in (docs, queries, places):
        array.setflags(write=False)
    exact_search(docs, queries, k=5, places=places)
    assert all(np.array_equal(a, b) for a, b in zip(kept, (docs, queries, places)))
