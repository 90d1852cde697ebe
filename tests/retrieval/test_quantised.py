"""Dense retrievers over stored vectors: the values of each type, bytes, rescoring, agreement with diagnose."""

from __future__ import annotations

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab._core.number_types import round_to
from limitlab._core.texts import TextList
from limitlab.retrieval import build
from limitlab.retrieval.quantised import Quantised
from limitlab.search import RelevantSet, exact_search, normalised, tie_order

N, DIM = 80, 48
RNG = np.random.default_rng(0)
X, Q = RNG.standard_normal((N, DIM)).astype(np.float32) * 3, RNG.standard_normal((9, DIM)).astype(np.float32)
DOCS = TextList([f"d{i:02d}" for i in range(N)], [f"text {i}" for i in range(N)])
QUERIES = TextList([f"q{i}" for i in range(9)], [f"query {i}" for i in range(9)])
PLACES = tie_order(DOCS.ids)
RELEVANT = RelevantSet(np.arange(10) * 2, RNG.integers(N, size=18))


class Vectors:
    """A retriever with given vectors."""

    name = label = "vectors"
    family = "dense"
    max_dim = DIM

    def config(self, n_docs):
        return {"retriever": "vectors", "cache": False}

    def index(self, docs, queries, *, progress=None):
        return {"cost": {"index_seconds": 0.0}, "notes": {}}

    def encoded(self, docs, queries, *, progress=None):
        return X, Q

    def search(self, *, k, places, relevant, dim=None, progress=None):
        return exact_search(X, Q, k=k, places=places, dim=dim, relevant=relevant)

    def predict(self, measure, cut, **_):
        return None


def made(**options) -> Quantised:
    retriever = Quantised([Vectors()], **options)
    retriever.index(DOCS, QUERIES)
    return retriever


def search(retriever, *, k=10, dim=DIM):
    return retriever.search(k=k, places=PLACES, relevant=RELEVANT, dim=dim)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8", "int8-per-dim", "binary"])
@pytest.mark.parametrize("dim", [DIM, 17])
def test_documents_are_truncated_then_scaled_then_stored(dtype, dim):
    stored = round_to(normalised(X, dim), dtype).astype(np.float32)
    expected = exact_search(stored, normalised(Q, dim), k=10, places=PLACES, normalise=False, relevant=RELEVANT)
    found = search(made(dtype=dtype, queries="float32"), dim=dim)
    assert found.indices.tobytes() == expected.indices.tobytes() and found.scores.tobytes() == expected.scores.tobytes()
    assert (found.ranks.above == expected.ranks.above).all()


@pytest.mark.parametrize("dtype", ["binary", "ubinary"])
def test_bits_are_compared_with_bits_unless_told_otherwise(dtype):
    signs = [np.where(normalised(v) > 0, 1, -1).astype(np.float32) for v in (X, Q)]
    expected = exact_search(*signs, k=10, places=PLACES, normalise=False, relevant=RELEVANT)
    found = search(made(dtype=dtype))
    assert found.indices.tobytes() == expected.indices.tobytes() and found.scores.tobytes() == expected.scores.tobytes()
    assert (found.ranks.tied == expected.ranks.tied).all() and found.ranks.tied.max() > 1


def test_queries_may_be_stored_too():
    docs = normalised(X)
    for dtype in ("int8", "float16"):
        a, b = (round_to(v, dtype).astype(np.float32) for v in (docs, normalised(Q)))
        expected = exact_search(a, b, k=10, places=PLACES, normalise=False)
        assert search(made(dtype=dtype, queries="same")).scores.tobytes() == expected.scores.tobytes()


def test_rescored_with_full_vectors_is_the_model_s_own_ranking_of_the_candidates():
    candidates = search(made(dtype="binary"), k=20).indices
    own = exact_search(X, Q, k=N, places=PLACES)
    found = search(made(dtype="binary", rescore=20), k=10)
    for i in range(9):
        kept = set(candidates[i].tolist())
        assert found.indices[i].tolist() == [d for d in own.indices[i] if d in kept][:10]
    outside = np.array([m not in set(candidates[r].tolist()) for r, m in zip(RELEVANT.rows, RELEVANT.members)])
    assert outside.any() and ((found.ranks.above < 0) == outside).all()


def test_rescored_with_stored_vectors_uses_float_queries_and_decoded_documents():
    candidates = search(made(dtype="ubinary"), k=20).indices
    signs, asked = np.where(normalised(X) > 0, 1.0, -1.0), normalised(Q).astype(np.float64)
    found = search(made(dtype="ubinary", rescore=20, rescore_with="stored"), k=20)
    scores = np.take_along_axis(asked @ signs.T, candidates, 1)
    np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1), atol=1e-5)


def test_all_candidates_rescored_in_full_give_the_model_s_own_recall():
    own = exact_search(X, Q, k=10, places=PLACES, dim=30, relevant=RELEVANT)
    found = search(made(dtype="binary", rescore=N), dim=30)
    assert found.indices.tobytes() == own.indices.tobytes() and (found.ranks.above == own.ranks.above).all()


def test_bytes_per_document_at_every_dimension():
    data = ll.Dataset.from_texts(dict(zip(DOCS.ids, DOCS)), dict(zip(QUERIES.ids, QUERIES)), {q: {"d01": 1} for q in QUERIES.ids})
    specs = [
        Quantised([Vectors()], **o)
        for o in ({"dtype": "int8"}, {"dtype": "binary"}, {"dtype": "binary", "rescore": 5}, {"dtype": "float16"})
    ]
    result = ll.evaluate(data, specs, dims=[17, DIM])
    held = {(r.retriever, r.dim): r.cost["bytes_per_doc"] for r in result.rows}
    name = "quantised(vectors):dtype="
    assert held[name + "int8", DIM] == 52 and held[name + "int8", 17] == 21
    assert held[name + "binary", DIM] == 6 and held[name + "binary", 17] == 3
    assert held[name + "binary,rescore=5", 17] == 3 + 68
    assert held[name + "float16", 17] == 34
    assert result.row(f"{name}binary@17").tie_rate > 0


@pytest.mark.parametrize("dtype", ["float16", "int8", "binary"])
def test_diagnose_and_quantised_agree(dtype):
    data = ll.Dataset.from_texts(
        dict(zip(DOCS.ids, DOCS)),
        dict(zip(QUERIES.ids, QUERIES)),
        {q: {DOCS.ids[3 * i]: 1, DOCS.ids[7]: 1} for i, q in enumerate(QUERIES.ids)},
    )
    for queries, query_dtype in (("float32", "float32"), ("same", dtype)):
        diagnosed = ll.diagnose(data, docs=X, queries=Q, k=10, dtype=dtype, query_dtype=query_dtype)
        row = ll.evaluate(data, [Quantised([Vectors()], dtype=dtype, queries=queries)], measures=["recall@10"]).rows[0]
        level = next(x for x in diagnosed.levels if x.key == "quantisation")
        assert level.recall.mean == pytest.approx(row.measures["recall@10"].mean, abs=1e-9)


def test_names_say_what_is_not_usual():
    assert made().name == "quantised(vectors):dtype=int8"
    assert made(dtype="ubinary", rescore=8, rescore_with="stored").name == "quantised(vectors):dtype=ubinary,rescore=8,rescore_with=stored"
    assert len({str(made(dtype=d, rescore=r).config(5)) for d in ("int8", "binary") for r in (0, 5)}) == 4


def test_what_cannot_be_is_refused():
    for options, error, words in (
        ({"dtype": "int9"}, UnknownName, "did you mean 'int8'"),
        ({"rescore": -1}, RangeError, "rescore must be >= 0"),
        ({"queries": "int8"}, UnknownName, "queries"),
        ({"rescore": 5, "rescore_with": "stored"}, InvalidArgument, "must follow a search with stored queries"),
    ):
        with pytest.raises(error, match=words):
            made(**options)
    with pytest.raises(InvalidArgument, match="one vector a text"):
        build("quantised(bm25)")
    with pytest.raises(RangeError, match=r"index\(\) must be called first"):
        search(Quantised([Vectors()]))
