"""Vectors in short number types: the values of round_to, the codes of sentence-transformers, bits by Hamming distance, rescoring."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import RangeError, ShapeError, UnknownName
from limitlab._core.number_types import int8_codes, round_to
from limitlab.search import RelevantSet, SearchResult, exact_search, normalised, tie_order
from limitlab.search import stored_vectors as module
from limitlab.search.hamming import hamming_search
from limitlab.search.rescoring import rescored
from limitlab.search.stored_vectors import STORED_TYPES, bytes_per_vector, packed_bits, stored_as

RNG = np.random.default_rng(0)
ROWS = normalised(RNG.standard_normal((300, 100)).astype(np.float32))
ROWS[5, :10] = 0.0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8", "int8-per-dim", "binary"])
def test_decoded_values_are_those_of_the_number_type(dtype, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 37)  # several blocks
    stored = stored_as(ROWS, dtype)
    assert stored.shape == ROWS.shape
    np.testing.assert_array_equal(stored[:], round_to(ROWS, dtype).astype(np.float32))
    take = np.array([250, 3, 3])
    np.testing.assert_array_equal(stored[take], stored[:][take])


@pytest.mark.parametrize("dtype", ["int8-ranges", "ubinary"])
def test_codes_are_those_of_sentence_transformers(dtype):
    quantize = pytest.importorskip("sentence_transformers").util.quantize_embeddings
    stored = stored_as(ROWS, dtype)
    if dtype == "ubinary":
        theirs = np.unpackbits(quantize(ROWS, "ubinary"), axis=1)[:, :100]
        np.testing.assert_array_equal(stored[:], theirs * 2.0 - 1)
    else:
        np.testing.assert_array_equal(stored.codes, quantize(ROWS, "uint8"))
        ranges = np.stack([ROWS.min(axis=0), ROWS.max(axis=0)])
        step = (ranges[1] - ranges[0]) / 255
        np.testing.assert_allclose(stored[:], stored.codes * step + ranges[0], atol=1e-6)
        assert np.abs(stored[:] - ROWS).max() <= step.max() * 1.0001


def test_zero_counts_as_plus_one_in_binary_and_as_minus_one_in_ubinary():
    assert (stored_as(ROWS, "binary")[:][5, :10] == 1).all()
    assert (stored_as(ROWS, "ubinary")[:][5, :10] == -1).all()


def test_queries_take_the_documents_grid():
    docs = stored_as(ROWS, "int8-per-dim")
    asked = stored_as(ROWS[:3] * 3, "int8-per-dim", grid=docs.grid)
    codes, _ = int8_codes(ROWS[:3] * 3, "int8-per-dim", scales=docs.grid.scales)
    np.testing.assert_array_equal(asked.codes, codes)
    assert np.abs(codes).max() == 127  # values beyond the grid saturate


@pytest.mark.parametrize("dtype", STORED_TYPES)
def test_no_vectors_and_equal_vectors_are_stored_too(dtype):
    assert stored_as(np.zeros((0, 7), np.float32), dtype)[:].shape == (0, 7)
    same = stored_as(np.ones((3, 7), np.float32) * 0.25, dtype)[:]
    assert np.isfinite(same).all() and (same == same[0]).all()


def test_bytes_are_those_of_the_codes():
    assert [bytes_per_vector(t, 384) for t in STORED_TYPES] == [768, 768, 388, 384, 384, 48, 48]
    assert bytes_per_vector("binary", 100) == 13
    for dtype in ("float16", "bfloat16", "int8-per-dim", "int8-ranges"):
        assert stored_as(ROWS, dtype).codes.nbytes / len(ROWS) == bytes_per_vector(dtype, 100)


def test_search_over_stored_vectors_is_search_over_their_values():
    queries, places = normalised(RNG.standard_normal((8, 100)).astype(np.float32)), tie_order([str(i) for i in range(300)])
    relevant = RelevantSet(np.arange(9), RNG.integers(300, size=8))
    for dtype in STORED_TYPES:
        stored = stored_as(ROWS, dtype)
        a = exact_search(stored, queries, k=20, places=places, normalise=False, relevant=relevant, block_docs=70)
        b = exact_search(stored[:], queries, k=20, places=places, normalise=False, relevant=relevant)
        assert a.indices.tobytes() == b.indices.tobytes() and a.scores.tobytes() == b.scores.tobytes()
        assert (a.ranks.above == b.ranks.above).all()


@pytest.mark.parametrize("dim", [1, 63, 64, 65, 100, 130])
def test_hamming_search_is_the_inner_product_of_signs_with_every_tie(dim):
    bits, asked = RNG.random((200, dim)) < 0.5, RNG.random((12, dim)) < 0.5
    places, relevant = tie_order([f"{i:03d}" for i in range(200)], "st"), RelevantSet(np.arange(13) * 3, RNG.integers(200, size=36))
    found = hamming_search(packed_bits(bits), packed_bits(asked), dim=dim, k=30, places=places, relevant=relevant)
    signs, theirs = bits.astype(np.float32) * 2 - 1, asked.astype(np.float32) * 2 - 1
    exact = exact_search(signs, theirs, k=30, places=places, normalise=False, relevant=relevant)
    assert found.indices.tobytes() == exact.indices.tobytes() and found.scores.tobytes() == exact.scores.tobytes()
    scores = theirs @ signs.T
    own = scores[relevant.rows, relevant.members][:, None]
    assert (found.ranks.above == (scores[relevant.rows] > own).sum(axis=1)).all()
    assert (found.ranks.tied == (scores[relevant.rows] == own).sum(axis=1)).all()
    assert found.ranks.tied.max() > 1


def test_hamming_search_refuses_what_it_cannot_read():
    words, places = packed_bits(RNG.random((5, 70)) < 0.5), tie_order(list("abcde"))
    with pytest.raises(ShapeError, match="as wide as docs"):
        hamming_search(words, words[:, :1].copy(), dim=70, k=1, places=places)
    with pytest.raises(RangeError, match="dim must be in"):
        hamming_search(words, words, dim=129, k=1, places=places)


def test_rescored_candidates_are_sorted_by_exact_scores_and_nothing_else_is_retrieved():
    queries, places = normalised(RNG.standard_normal((6, 100)).astype(np.float32)), tie_order([str(i) for i in range(300)])
    relevant = RelevantSet(np.arange(7) * 2, RNG.integers(300, size=12))
    signs = stored_as(ROWS, "binary")
    candidates = exact_search(signs, queries, k=15, places=places, normalise=False)
    found = rescored(candidates, lambda rows: ROWS[rows], queries, k=4, places=places, relevant=relevant)
    every = exact_search(ROWS, queries, k=300, places=places, normalise=False)
    for i in range(6):
        kept = set(candidates.indices[i].tolist())
        best = [(d, s) for d, s in zip(every.indices[i], every.scores[i]) if d in kept]
        assert found.indices[i].tolist() == [d for d, _ in best[:4]]
        assert found.scores[i].tolist() == [s for _, s in best[:4]]
        for p in range(2 * i, 2 * i + 2):
            at = [d for d, _ in best].index(relevant.members[p]) if relevant.members[p] in kept else -1
            assert found.ranks.above[p] == at


def test_short_lists_stay_short_when_rescored():
    found = rescored(
        SearchResult(np.array([[2, -1, -1]]), np.array([[1.0, -np.inf, -np.inf]], np.float32)),
        lambda rows: ROWS[rows], ROWS[:1], k=3, places=tie_order([str(i) for i in range(300)]),
    )  # fmt: skip
    assert found.indices.tolist() == [[2, -1, -1]] and np.isneginf(found.scores[0, 1:]).all()


def test_unknown_types_and_values_out_of_range_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'binary'"):
        stored_as(ROWS, "binry")
    with pytest.raises(RangeError, match="float16"):
        stored_as(ROWS * 1e6, "float16")
    with pytest.raises(ShapeError, match="finite"):
        stored_as(np.full((2, 3), np.nan), "int8")
