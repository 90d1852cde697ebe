"""Our measures are those of ir-measures (trec_eval) on the same runs."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.evaluation.measures import parse_measures, per_query
from limitlab.relevance import RelevanceMatrix
from limitlab.search import RelevantRanks, RelevantSet, search_scores, tie_order

ir_measures = pytest.importorskip("ir_measures", reason="ir-measures is not installed (limitlab[dev])")
pytest.importorskip("pytrec_eval", reason="ir-measures computes these measures with pytrec_eval")

N_QUERIES, N_DOCS = 30, 60
CUTS = (1, 2, 5, 10, 60)


def doc_ids() -> list[str]:
    """Of different lengths, in no order, some beyond ASCII: text order is not number order."""
    rng = np.random.default_rng(0)
    return [f"{prefix}{number}" for number, prefix in zip(rng.permutation(N_DOCS), np.resize(["d", "doc", "é", "Z", "東"], N_DOCS))]


def case(seed: int) -> tuple[np.ndarray, RelevanceMatrix]:
    """Scores with many ties, exact in float32 (trec_eval keeps no more); grades 0 to 3, some queries with grade 0 only."""
    rng = np.random.default_rng(seed)
    scores = (rng.integers(-6, 30, (N_QUERIES, N_DOCS)) / 8).astype(np.float32)
    qrels = {}
    for i in range(N_QUERIES):
        judged = rng.choice(N_DOCS, int(rng.integers(1, 20)), replace=False)
        qrels[f"q{i}"] = {doc_ids()[j]: int(rng.integers(0, 4)) for j in judged}
    return scores, RelevanceMatrix.from_qrels(qrels, doc_ids=doc_ids())


def relevant_set(relevance: RelevanceMatrix) -> RelevantSet:
    positive = relevance.binary()
    return RelevantSet(positive.indptr, positive.indices)


def by_ir_measures(run: dict, relevance: RelevanceMatrix, min_relevance: int = 1) -> dict[str, dict[str, float]]:
    """{our name: {query: value}}; RR has no cut in trec_eval, so one is applied to its value: 1/rank >= 1/k."""
    at = [ir_measures.R(rel=min_relevance) @ k for k in CUTS] + [ir_measures.nDCG @ k for k in CUTS] + [ir_measures.RR(rel=min_relevance)]
    out: dict[str, dict[str, float]] = {}
    for metric in ir_measures.pytrec_eval.iter_calc(at, relevance.to_qrels(), run):
        name, k = str(metric.measure).split("(")[0].split("@")[0], metric.measure.params.get("cutoff")
        if name == "RR":
            for cut in CUTS:
                out.setdefault(f"mrr@{cut}", {})[metric.query_id] = metric.value if metric.value >= 1 / cut - 1e-12 else 0.0
        else:
            out.setdefault(f"{'recall' if name == 'R' else 'ndcg'}@{k}", {})[metric.query_id] = metric.value
    return out


def assert_equal(ours: dict[str, np.ndarray], theirs: dict[str, dict[str, float]], relevance: RelevanceMatrix, judged: np.ndarray) -> None:
    assert judged.sum() > 20
    assert set(ours) == set(theirs)
    for name, values in ours.items():
        assert np.array_equal(np.isnan(values), ~judged)
        expected = [theirs[name][q] for q in relevance.query_ids]
        np.testing.assert_allclose(values[judged], np.array(expected)[judged], rtol=0, atol=1e-9, err_msg=name)


NAMES = [f"{kind}@{k}" for kind in ("recall", "ndcg", "mrr") for k in CUTS]


@pytest.mark.parametrize("min_relevance", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_full_rankings_with_ties(seed: int, min_relevance: int) -> None:
    scores, relevance = case(seed)
    found = search_scores([scores], n_docs=N_DOCS, k=10, places=tie_order(doc_ids(), "trec"), relevant=relevant_set(relevance))
    assert found.ranks is not None
    assert (found.ranks.tied > 1).any()
    run = {q: dict(zip(doc_ids(), map(float, row))) for q, row in zip(relevance.query_ids, scores)}
    ours = per_query(parse_measures(NAMES), relevance, found.ranks, ties="trec", min_relevance=min_relevance)
    theirs = by_ir_measures(run, relevance, min_relevance)
    assert_equal(ours, theirs, relevance, relevance.relevant_counts(min_relevance) > 0)


@pytest.mark.parametrize("seed", range(2))
def test_rankings_that_retrieve_only_some_documents(seed: int) -> None:
    """Scores <= 0 are not retrieved, as with BM25; the run file holds the rest only."""
    scores, relevance = case(seed)
    found = search_scores([scores], n_docs=N_DOCS, k=10, places=tie_order(doc_ids()), relevant=relevant_set(relevance), lowest=0.0)
    assert found.ranks is not None
    run = {q: {d: float(s) for d, s in zip(doc_ids(), row) if s > 0} for q, row in zip(relevance.query_ids, scores)}
    ours = per_query(parse_measures(NAMES), relevance, found.ranks)
    assert_equal(ours, by_ir_measures(run, relevance), relevance, relevance.relevant_counts() > 0)


@pytest.mark.parametrize("seed", range(2))
def test_ranks_counted_within_lists(seed: int) -> None:
    """Lists of twelve, as a remote service returns them."""
    scores, relevance = case(seed)
    places = tie_order(doc_ids())
    found = search_scores([scores], n_docs=N_DOCS, k=12, places=places)
    run = {q: {doc_ids()[j]: float(s) for j, s in zip(*row)} for q, row in zip(relevance.query_ids, zip(found.indices, found.scores))}
    ranks = RelevantRanks.from_lists(relevant_set(relevance), found.indices, found.scores, places)
    ours = per_query(parse_measures(NAMES), relevance, ranks)
    assert_equal(ours, by_ir_measures(run, relevance), relevance, relevance.relevant_counts() > 0)


def test_ids_ascending_is_trec_with_the_ids_turned_round() -> None:
    """trec_eval knows one order only: give it names in the opposite order to check the other rule."""
    scores, relevance = case(7)
    ascending = sorted(doc_ids(), key=str.encode)
    name = {d: f"{N_DOCS - at:05d}" for at, d in enumerate(ascending)}
    found = search_scores([scores], n_docs=N_DOCS, k=10, places=tie_order(doc_ids(), "st"), relevant=relevant_set(relevance))
    assert found.ranks is not None
    run = {q: {name[d]: float(s) for d, s in zip(doc_ids(), row)} for q, row in zip(relevance.query_ids, scores)}
    renamed = RelevanceMatrix.from_qrels({q: {name[d]: g for d, g in row.items()} for q, row in relevance.to_qrels().items()})
    ours = per_query(parse_measures(NAMES), relevance, found.ranks, ties="st")
    assert_equal(ours, by_ir_measures(run, renamed), relevance, relevance.relevant_counts() > 0)


def test_all_relevant_is_recall_equal_to_one() -> None:
    scores, relevance = case(8)
    found = search_scores([scores], n_docs=N_DOCS, k=10, places=tie_order(doc_ids()), relevant=relevant_set(relevance))
    assert found.ranks is not None
    ours = per_query(parse_measures([f"all@{k}" for k in (20, 40, 60)]), relevance, found.ranks)
    judged = relevance.relevant_counts() > 0
    run = {q: dict(zip(doc_ids(), map(float, row))) for q, row in zip(relevance.query_ids, scores)}
    for k in (20, 40, 60):
        recall = {m.query_id: m.value for m in ir_measures.pytrec_eval.iter_calc([ir_measures.R @ k], relevance.to_qrels(), run)}
        expected = np.array([recall[q] == 1.0 for q in relevance.query_ids], float)
        assert ours[f"all_relevant@{k}"][judged].tolist() == expected[judged].tolist()
    assert 0 < ours["all_relevant@40"][judged].mean() < 1
