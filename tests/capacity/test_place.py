"""place(): recall is counted on the stored vectors, in exact comparisons, ties against the relevant documents."""

from __future__ import annotations

import json

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import InvalidArgument, RangeError, ShapeError, UnknownName
from limitlab.capacity.exact_scores import exact_score, standing
from limitlab.capacity.number_types import NUMBER_TYPES
from limitlab.capacity.placement_files import write_placement
from limitlab.relevance import RelevanceMatrix, cycle, dense, disjoint, random, reduced


def recalled(relevance: RelevanceMatrix, docs: np.ndarray, queries: np.ndarray) -> tuple[float, int]:
    """Recall among the first |S| and queries wholly right, by fractions over all documents, irrelevant ones first in ties."""
    shares, right = [], 0
    for i in range(relevance.n_queries):
        scores = [exact_score(d, queries[i]) for d in docs]
        own = relevance.row(i).tolist()
        order = sorted(range(len(docs)), key=lambda j: (-scores[j], j in own))
        shares.append(len(set(order[: len(own)]) & set(own)) / len(own))
        right += min(scores[j] for j in own) > max((s for j, s in enumerate(scores) if j not in own))
    return float(np.mean(shares)), right


MIXED = RelevanceMatrix.from_qrels(
    {"a": {"x": 1, "y": 1}, "b": {"y": 1, "z": 2}, "c": {"x": 1}, "d": {"x": 1}, "e": {"v": 1, "w": 1, "x": 1}, "f": {"z": 0, "y": 1}},
    doc_ids=["u", "v", "w", "x", "y", "z", "other", "more"],
)


@pytest.mark.parametrize("dtype", NUMBER_TYPES)
@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_recall_is_that_of_a_plain_count(dim, dtype):
    found = ll.place(MIXED, dim=dim, dtype=dtype)
    assert found.docs.shape == (8, dim) and found.queries.shape == (6, dim)
    recall, right = recalled(MIXED, found.docs, found.queries)
    assert found.recall == pytest.approx(recall, abs=1e-12) and found.solved == right
    assert found.kind == ("construction" if right == 6 else "measurement") and (found.least_gap > 0) == (right == 6)


def test_limit_in_four_dimensions():
    """50,000 documents, 1,000 queries: R@2 = 1 in float32 with the gap of theory.md 3.4, 9.6e-5; float16 and bfloat16 fall short."""
    relevance = dense(50_000, 1_000)
    single = ll.place(relevance, dim=4)
    assert single.recall == 1.0 and single.solved == 1_000 and single.kind == "construction"
    assert f"{single.least_gap:.1e}" == "9.6e-05"
    assert single.docs.shape == (50_000, 4) and len(single.places) == 47
    scores = single.queries.astype(float) @ single.docs.astype(float).T  # the plain way, over all 50,000
    best = np.sort(np.argpartition(-scores, 2, axis=1)[:, :2], axis=1)
    assert (best == relevance.indices.reshape(-1, 2)).all()
    half, brain = (ll.place(relevance, dim=4, dtype=t) for t in ("float16", "bfloat16"))
    assert 0.99 <= half.recall < 1 and half.kind == "measurement"
    assert 0.95 <= brain.recall < half.recall
    assert "float16" in half.to_dict().values() and half.to_dict()["docs_bytes"] == 50_000 * 8


@pytest.mark.parametrize(("dim", "dtype"), [(6, "float16"), (8, "float16"), (8, "bfloat16"), (8, "int8"), (16, "fp8-e4m3"), (64, "binary")])
def test_limit_in_short_number_types(dim, dtype):
    found = ll.place(dense(50_000, 1_000), dim=dim, dtype=dtype)
    assert found.recall == 1.0 and found.kind == "construction" and found.least_gap > 0


def test_binary_documents_with_float_queries():
    found = ll.place(dense(50_000, 1_000), dim=32, dtype="binary", query_dtype="float32")
    assert found.recall == 1.0 and set(np.unique(found.docs)) == {-1.0, 1.0}


def test_structure_is_found_far_below_twice_the_set_size():
    """Four neighbours on a ring are cut off in the plane, whatever order their documents come in; the default would be eight dimensions."""
    ring, shuffled = cycle(60, 60, k=4), np.random.default_rng(0).permutation(60)
    mixed = RelevanceMatrix.from_pairs(
        np.repeat(np.arange(60), 4), shuffled[ring.indices], query_ids=ring.query_ids, doc_ids=[str(i) for i in range(60)]
    )
    assert ll.place(ring, dim=2).kind == ll.place(mixed, dim=2).kind == "construction"
    assert ll.place(disjoint(1000, 300, k=3), dim=2).recall == 1.0
    assert ll.place(mixed).dim == 8


def test_default_dimension_holds_everything_in_float64():
    relevance = random(40, 120, k=3, seed=2)
    found = ll.place(relevance, dtype="float64")
    assert found.dim == 6 and found.kind == "construction"
    assert ll.place(RelevanceMatrix.from_qrels({"q": {"a": 1}}, doc_ids=["a", "b"])).dim == 1


def test_below_the_exact_dimension_nothing_is_claimed():
    found = ll.place(dense(46, 1000), dim=2)
    assert found.kind == "measurement" and 0 < found.recall < 0.5 and found.solved < 1000
    assert [t["method"] for t in found.tried] and max(t["recall"] for t in found.tried) == found.recall


def test_own_documents_can_be_tried():
    relevance = dense(50, 1000)
    small = reduced(relevance).relevance
    docs = ll.TrigCurve(small.n_docs, 6).docs()
    found = ll.place(relevance, dim=6, also={"mine": docs})
    assert found.tried[0]["method"] == "mine" and found.tried[0]["recall"] == 1.0
    with pytest.raises(ShapeError, match=r"mine must have shape \(47, 6\)"):
        ll.place(relevance, dim=6, also={"mine": docs[1:]})


def test_the_same_seed_gives_the_same_vectors():
    relevance = random(30, 60, k=2, seed=1)
    one, two = ll.place(relevance, dim=3, seed=5), ll.place(relevance, dim=3, seed=5)
    assert (one.docs == two.docs).all() and (one.queries == two.queries).all()


def test_standing_counts_ties_and_weights_exactly():
    docs = np.array([[1.0, 2.0**-60], [1.0, 0.0], [1.0, -(2.0**-60)], [0.0, 0.0]])
    weights = np.array([1, 5, 7, 1000])
    sets = np.array([0, 1, 2, 4, 5]), np.array([0, 1, 0, 2, 1])
    queries = np.ones((4, 2))
    queries[3] = [1.0, 0.0]  # all three tie
    found = standing(docs, queries, *sets, weights)
    assert found.above.tolist() == [0, 1, 0, 5, 8]
    assert found.differences.tolist() == [2.0**-60, -(2.0**-60), -(2.0**-60), 0.0]


def test_files_hold_the_vectors(tmp_path):
    relevance = dense(60, 100)
    for dtype in NUMBER_TYPES:
        found = ll.place(relevance, dim=6, dtype=dtype)
        folder = write_placement(found, tmp_path / dtype)
        docs, queries = np.load(folder / "docs.npy"), np.load(folder / "queries.npy")
        if dtype.startswith("int8"):
            docs = docs * np.load(folder / "docs-scales.npy").astype(float)
            queries = queries * np.load(folder / "queries-scales.npy").astype(float)
        if dtype == "binary":
            docs, queries = (2.0 * np.unpackbits(a, axis=1, count=6) - 1 for a in (docs, queries))
        assert (docs == found.docs).all() and (queries == found.queries).all(), dtype
        facts = json.loads((folder / "placement.json").read_text())
        assert facts["dtype"] == dtype and facts["recall"] == found.recall and facts["schema"] == "limitlab.placement/1"
    ids = json.loads((folder / "ids.json").read_text())
    assert ids["docs"] == list(relevance.doc_ids) and ids["queries"] == list(relevance.query_ids)
    with pytest.raises(InvalidArgument, match="must not exist"):
        write_placement(found, tmp_path / "binary")


def test_refusals():
    relevance = dense(46, 10)
    with pytest.raises(RangeError, match=r"dim must be in \[1, "):
        ll.place(relevance, dim=0)
    with pytest.raises(UnknownName, match="did you mean 'float16'"):
        ll.place(relevance, dtype="floot16")
    with pytest.raises(UnknownName, match="query_dtype"):
        ll.place(relevance, query_dtype="half")
    with pytest.raises(ShapeError, match="not relevant"):
        ll.place(RelevanceMatrix.from_qrels({"q": {"a": 1, "b": 1}}))
    with pytest.raises(ShapeError, match="must have a relevant document; got 1 of 2 without: 'r'"):
        ll.place(RelevanceMatrix.from_qrels({"q": {"a": 1}, "r": {"a": 0, "b": 0}}))
    with pytest.raises(ShapeError, match="at least one query"):
        ll.place(RelevanceMatrix.from_qrels({}, doc_ids=["a"]))
    with pytest.raises(ShapeError, match="must be a RelevanceMatrix"):
        ll.place({"q": {"a": 1}})
    with pytest.raises(RangeError, match="seed"):
        ll.place(relevance, seed=-1)
