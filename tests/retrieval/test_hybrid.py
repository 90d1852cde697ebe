"""Fused retrievers against a fusion written out by hand, their dimension, costs and notes."""

from __future__ import annotations

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab._core.texts import TextList
from limitlab.evaluation.remarks import remarks
from limitlab.retrieval import BM25, Hybrid, TokenSums, build
from limitlab.search import RelevantSet, tie_order

WORDS = ["red", "green", "blue", "cat", "dog", "sun", "moon", "tree"]
RNG = np.random.default_rng(3)
DOCS = TextList([f"d{i:02}" for i in range(40)], [" ".join(RNG.choice(WORDS, 4)) for _ in range(40)])
QUERIES = TextList([f"q{i}" for i in range(12)], [" ".join(RNG.choice(WORDS, 2)) for _ in range(12)])
MEMBERS = np.array([RNG.choice(40, 3, replace=False) for _ in range(12)])
RELEVANT = RelevantSet(np.arange(0, 37, 3), MEMBERS.ravel())
PLACES = tie_order(DOCS.ids, "trec")


def found(retriever, k=40, dim=None):
    retriever.index(DOCS, QUERIES)
    return retriever.search(k=k, places=PLACES, relevant=RELEVANT, dim=dim)


@pytest.mark.parametrize("depth", [3, 10, 1000])
def test_reciprocal_ranks_are_those_written_out(depth):
    hybrid = Hybrid([BM25(), TokenSums(dim=8)], depth=depth, rank_constant=7, weights=[1, 2])
    result = found(hybrid)
    parts = [found(BM25(), k=depth), found(TokenSums(dim=8), k=depth)]
    for q in range(len(QUERIES)):
        total: dict[int, float] = {}
        for weight, part in zip((1, 2), parts):
            for rank, doc in enumerate(part.indices[q], 1):
                if doc >= 0 and rank <= depth:
                    total[int(doc)] = total.get(int(doc), 0.0) + weight / (7 + rank)
        score = {doc: np.float32(value) for doc, value in total.items()}
        order = sorted(score, key=lambda doc: (-score[doc], PLACES[doc]))
        listed = result.indices[q][result.indices[q] >= 0].tolist()
        assert listed == order[:40]
        ranks = result.ranks.by_id()[3 * q : 3 * q + 3]
        assert ranks.tolist() == [order.index(d) + 1 if d in order else 0 for d in MEMBERS[q]]


def test_a_dense_part_takes_the_dimension_asked_for_and_at_most_its_own():
    hybrid = Hybrid([BM25(), TokenSums(dim=16), TokenSums(dim=8, seed=1)])
    assert hybrid.max_dim == 16
    assert Hybrid([BM25(), BM25(k1=1.0)]).max_dim is None
    at_12 = found(hybrid, dim=12)
    by_hand = Hybrid([BM25(), TokenSums(dim=12), TokenSums(dim=8, seed=1)])
    assert not (at_12.indices != found(hybrid, dim=4).indices).all()
    parts = [found(BM25()), found(TokenSums(dim=16), dim=12), found(TokenSums(dim=8, seed=1))]
    from limitlab.search.fusion import fused

    expected = fused(parts, k=40, places=PLACES)
    assert (at_12.indices == expected.indices).all() and (at_12.scores == expected.scores).all()
    assert by_hand.max_dim == 12
    with pytest.raises(RangeError, match=r"dim must be in \[1, 16\]"):
        hybrid.search(k=1, places=PLACES, relevant=RELEVANT, dim=17)


def test_bytes_are_summed_and_only_vectors_shrink_with_the_dimension():
    bm25, sums = BM25(), TokenSums(dim=16)
    hybrid = Hybrid([bm25, sums])
    made = hybrid.index(DOCS, QUERIES)
    lexical = BM25().index(DOCS, QUERIES)["cost"]["bytes_per_doc"]
    assert made["cost"]["bytes_per_doc"] == pytest.approx(lexical + 64)
    assert hybrid.bytes_per_doc(4) == pytest.approx(lexical + 16)
    assert made["cost"]["index_seconds"] > 0


def test_rates_of_parts_are_not_added():
    from limitlab.retrieval.parts import joint_cost

    one = {"encode_seconds": 2.0, "docs_encoded": 10.0, "docs_per_second": 5.0}
    assert joint_cost([one, one]) == {"encode_seconds": 4.0, "docs_encoded": 20.0, "docs_per_second": 5.0}


def test_evaluation_by_name_keeps_rows_and_notes_of_the_parts():
    data = ll.Dataset.from_texts(
        dict(zip(DOCS.ids, DOCS)),
        {**dict(zip(QUERIES.ids, QUERIES)), "q99": "zebra"},
        {**{q: {DOCS.ids[d]: 1 for d in MEMBERS[i]} for i, q in enumerate(QUERIES.ids)}, "q99": {"d00": 1}},
    )
    spec = "hybrid(bm25,token-sums:dim=16):method=weighted,weights=1;3,depth=20"
    result = ll.evaluate(data, [spec], dims=[4, 16])
    assert [r.name for r in result.rows] == [f"hybrid(bm25,token-sums):method=weighted,weights=1;3,depth=20@{d}" for d in (4, 16)]
    assert result.status.key == "solved"
    small, large = result.rows
    assert large.cost["bytes_per_doc"] - small.cost["bytes_per_doc"] == pytest.approx(48)
    assert small.notes["BM25: queries_without_known_terms"] == 1
    assert any("BM25: 1 queries have no word" in sentence for sentence in remarks(small))
    again = ll.evaluate(data, [spec], dims=[4, 16])
    assert [r.to_dict() for r in again.rows] == [r.to_dict() for r in result.rows]  # from the ledger, seconds and all


def test_rows_come_from_the_ledger_only_when_all_parts_may():
    def my_search(texts, k):
        return [{"d00": 1.0} for _ in texts]

    hybrid = Hybrid([BM25(), build(my_search)])
    assert hybrid.config(40)["cache"] is False
    assert Hybrid([BM25(), TokenSums()]).config(40)["cache"] is True
    assert found(hybrid, k=5).indices.shape[1] == 5


@pytest.mark.parametrize("spec", ["hybrid(bm25)", "hybrid(bm25,bm25)", "hybrid(" + ",".join(f"bm25:k1=1.{i}" for i in range(9)) + ")"])
def test_too_few_too_many_and_equal_parts_are_refused(spec):
    with pytest.raises(InvalidArgument, match=r"2 to 8 retrievers|1 to 8 retrievers"):
        build(spec)


def test_parts_must_be_retrievers():
    for parts in (["bm25", "minilm"], [BM25, TokenSums], [BM25(), None]):
        with pytest.raises(InvalidArgument, match="parts must be retrievers"):
            Hybrid(parts)


def test_wrong_options_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'rrf'"):
        build("hybrid(bm25,token-sums):method=rff")
    with pytest.raises(UnknownName, match="did you mean 'weights'"):
        build("hybrid(bm25,token-sums):weight=1")
    for weights in ("1", "1;2;3", "1;x", "0;0", "-1;2"):
        with pytest.raises(InvalidArgument, match="weights must be"):
            build(f"hybrid(bm25,token-sums):weights={weights}")
    with pytest.raises(RangeError, match="depth must be >= 1"):
        build("hybrid(bm25,token-sums):depth=0")


def test_hybrids_may_hold_hybrids():
    nested = build("hybrid(hybrid(bm25,token-sums:dim=8),token-sums:dim=4,seed=1):depth=30")
    assert nested.max_dim == 8
    assert found(nested, dim=6).indices.shape == (12, 40)
    assert nested.bytes_per_doc(8) == pytest.approx(nested.bytes_per_doc(4) + 16)
