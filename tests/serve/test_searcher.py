"""New queries: the same lists as the evaluation's, for every kind of retriever; scores between 0 and 1 in the same order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from limitlab._core.progress import SILENT as QUIET
from limitlab._core.texts import TextList
from limitlab.retrieval import build
from limitlab.search import RelevantSet, tie_order
from limitlab.serve import Searcher


def reference(retriever, docs, texts, k):
    """Index documents and these queries, search, as the evaluation does."""
    retriever.index(docs, TextList([str(i) for i in range(len(texts))], texts), progress=QUIET)
    nothing = RelevantSet(np.zeros(len(texts) + 1, np.int64), np.zeros(0, np.int64))
    found = retriever.search(k=k, places=tie_order(docs.ids, "trec"), relevant=nothing, dim=retriever.max_dim, progress=QUIET)
    return [[(docs.ids[j], s) for j, s in zip(row, values) if j >= 0] for row, values in zip(found.indices.tolist(), found.scores.tolist())]


@pytest.mark.parametrize("spec", ["bm25", "token-sums:dim=16,tokens=words"])
def test_lists_are_those_of_an_evaluation(data, spec):
    searcher = Searcher(build(spec), data.docs)
    texts = [*data.queries, "who likes apples and chess", "nothing known here"]
    for batch in (texts, texts[2:3], texts[::-1]):
        found = [[(f.id, f.score) for f in row] for row in searcher.search(batch, 5)]
        assert found == reference(build(spec), data.docs, batch, 5)


@pytest.mark.models
def test_lists_of_a_dense_model_and_nothing_is_written(data, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path))
    searcher = Searcher(build(tiny_model), data.docs)
    before = sorted(p.name for p in tmp_path.rglob("*.npz"))
    found = [[(f.id, pytest.approx(f.score, abs=1e-5)) for f in row] for row in searcher.search(list(data.queries), 8)]
    assert sorted(p.name for p in tmp_path.rglob("*.npz")) == before  # queries of others are not kept
    assert reference(build(tiny_model), data.docs, list(data.queries), 8) == found


@pytest.mark.parametrize("spec", ["bm25", "token-sums:dim=16,tokens=words"])
def test_unit_scores_keep_the_order_and_the_threshold_leaves_out(data, spec):
    searcher = Searcher(build(spec), data.docs)
    row = searcher.search(["who likes apples"], 8)[0]
    units = [f.unit_score for f in row]
    assert all(0 <= u <= 1 for u in units) and units == sorted(units, reverse=True)
    middle = units[len(units) // 2]
    kept = searcher.search(["who likes apples"], 8, threshold=middle)[0]
    assert kept == [f for f in row if f.unit_score >= middle] and 0 < len(kept) < len(row) + 1
    assert searcher.search(["who likes apples"], 8, threshold=1.0)[0] == [f for f in row if f.unit_score >= 1.0]


@pytest.mark.parametrize(
    ("family", "cosine", "low", "high"),
    [("dense", True, -1, 1), ("dense", False, -300, 300), ("lexical", False, 0, 40), ("other", False, -9, 40)],
)
def test_the_map_is_monotone(lexical, monkeypatch, family, cosine, low, high):
    monkeypatch.setattr(lexical.retriever, "family", family)
    monkeypatch.setattr(lexical.retriever, "cosine", cosine, raising=False)
    units = [lexical.unit_score(float(v)) for v in np.linspace(low, high, 401)]
    assert all(a < b for a, b in pairwise(units)) and units[0] >= 0 and units[-1] <= 1
    assert ((units[0], units[-1]) == (0, 1)) == cosine


@pytest.mark.models
def test_retrievers_say_whether_their_scores_are_cosines(tiny_model, data):
    from limitlab.retrieval.adapters import LinearAdapter
    from limitlab.retrieval.adapters.retriever import Adapted

    dense = build(tiny_model)
    turned = np.eye(dense.max_dim, dtype=np.float32)[::-1] * 9
    said = {cosine: Adapted([dense], file=LinearAdapter(turned, cosine=cosine)) for cosine in (True, False)}
    assert dense.cosine and said[True].cosine and not said[False].cosine
    assert build(f"quantised({tiny_model}):dtype=int8").cosine and not build(f"quantised({tiny_model}):dtype=binary").cosine
    row = Searcher(said[False], data.docs).search(["who likes apples"], 8)[0]
    assert len({f.unit_score for f in row}) > 1 and [f.unit_score for f in row] == sorted((f.unit_score for f in row), reverse=True)
