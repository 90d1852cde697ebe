"""The closed-form recall of random token sums against random token sums."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.texts import TextList
from limitlab.evaluation.measures import parse_measures, per_query
from limitlab.relevance import RelevanceMatrix, dense, random
from limitlab.retrieval.token_sums import TokenSums, predicted_recall
from limitlab.search import RelevantSet, tie_order


def listed(relevance: RelevanceMatrix, per_doc: int) -> tuple[TextList, TextList]:
    """LIMIT-like texts: a document lists the attributes asked of it, and fillers of its own up to ``per_doc``."""
    likes: list[list[str]] = [[] for _ in range(relevance.n_docs)]
    for i in range(relevance.n_queries):
        for j in relevance.row(i):
            likes[j].append(f"asked {i}")
    for j, items in enumerate(likes):
        assert len(items) <= per_doc
        items += [f"own {j} x {t}" for t in range(per_doc - len(items))]
    docs = [f"P{j} likes {', '.join(items[:-1])} and {items[-1]}." for j, items in enumerate(likes)]
    queries = [f"Who likes asked {i}?" for i in range(relevance.n_queries)]
    return TextList(list(relevance.doc_ids), docs), TextList(list(relevance.query_ids), queries)


def simulated(relevance: RelevanceMatrix, per_doc: int, dims: list[int], cuts: list[int], seeds: range) -> dict[tuple[int, int], float]:
    docs, queries = listed(relevance, per_doc)
    relevant = RelevantSet(relevance.indptr, relevance.indices)
    values: dict[tuple[int, int], list[float]] = {}
    for seed in seeds:
        retriever = TokenSums(dim=max(dims), seed=seed)
        retriever.index(docs, queries)
        for dim in dims:
            found = retriever.search(k=1, places=tie_order(docs.ids), relevant=relevant, dim=dim)
            assert found.ranks is not None
            got = per_query(parse_measures([f"recall@{c}" for c in cuts]), relevance, found.ranks)
            for cut in cuts:
                values.setdefault((dim, cut), []).append(float(got[f"recall@{cut}"].mean()))
    return {key: float(np.mean(v)) for key, v in values.items()}


def test_limit_small_shape() -> None:
    """46 documents of 45 tokens, 1,000 dense pairs, five draws: within 0.02 of the prediction."""
    measured = simulated(dense(46, 1000), 45, [32, 64, 128, 256, 512, 1024], [2, 10], range(5))
    predicted = {(dim, cut): predicted_recall(46, dim, cut=cut, tokens_per_doc=45) for dim, cut in measured}
    assert measured == pytest.approx(predicted, abs=0.02)


@pytest.mark.parametrize("k, cut", [(1, 1), (1, 5), (3, 3), (3, 1), (4, 10)])
def test_other_numbers_of_relevant_documents(k: int, cut: int) -> None:
    relevance = random(400, 600, k=k, seed=1)
    per_doc = int(np.bincount(relevance.indices).max()) + 5
    measured = simulated(relevance, per_doc, [64, 256], [cut], range(3))
    for dim in (64, 256):
        predicted = predicted_recall(400, dim, k=k, cut=cut, tokens_per_doc=per_doc)
        assert measured[dim, cut] == pytest.approx(predicted, abs=0.03)


def test_the_retriever_predicts_its_own_recall() -> None:
    docs, queries = listed(dense(46, 1000), 45)
    retriever = TokenSums(dim=128)
    retriever.index(docs, queries)
    assert retriever.predict("recall", 2, n_docs=46, n_relevant=2, dim=64) == predicted_recall(46, 64, tokens_per_doc=45.0)
    assert retriever.predict("ndcg", 2, n_docs=46, n_relevant=2, dim=64) is None
