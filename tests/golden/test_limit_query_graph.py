"""Query graph of LIMIT: https://arxiv.org/html/2508.21038v2 Table 2, density 0.085481, mean query strength 28.4653."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limitlab import published
from limitlab.relevance import RelevanceMatrix, dense, query_graph

RELEASED = (Path(__file__).resolve().parents[2] / "../shared/data/limit-small").resolve()


def test_the_dense_pattern_has_the_published_graph() -> None:
    graph = query_graph(dense(46, 1000))
    assert round(graph.density, 6) == 0.085481
    assert round(graph.mean_query_strength, 4) == 28.4653
    assert graph.n_queries == 1000


@pytest.mark.parametrize(
    "metric, attribute, digits", [("graph density", "density", 6), ("average query strength", "mean_query_strength", 4)]
)
def test_the_published_table_holds_the_same(metric: str, attribute: str, digits: int) -> None:
    (found,) = published.lookup(dataset="LIMIT", metric=metric)
    assert round(getattr(query_graph(dense(50_000, 1000)), attribute), digits) == found.value


@pytest.mark.skipif(not RELEASED.is_dir(), reason=f"the released LIMIT-small is not at {RELEASED}")
def test_the_released_data_has_the_dense_pattern() -> None:
    """All 1,000 pairs are those of the first 46 documents in lexicographic order, up to the order of documents."""
    lines = [json.loads(line) for line in (RELEASED / "qrels.jsonl").read_text(encoding="utf-8").splitlines()]
    docs = [json.loads(line)["_id"] for line in (RELEASED / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    triples = [(r["query-id"], r["corpus-id"], r["score"]) for r in lines]
    matrix = RelevanceMatrix.from_triples(triples, doc_ids=docs)
    assert matrix.shape == (1000, 46)
    assert matrix.relevant_counts().tolist() == [2] * 1000
    graph = query_graph(matrix)
    assert (round(graph.density, 6), round(graph.mean_query_strength, 4)) == (0.085481, 28.4653)
    released = {tuple(matrix.row(i).tolist()) for i in range(1000)}
    assert released == {tuple(dense(46, 1000).row(i).tolist()) for i in range(1000)}
