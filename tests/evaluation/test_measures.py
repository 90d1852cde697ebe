"""Measures: spelling, values by hand, tie rules, queries without relevant documents."""

from __future__ import annotations

from math import comb, log2

import numpy as np
import pytest

from limitlab._core.errors import RangeError, UnknownName
from limitlab.evaluation.measures import Measure, parse_measures, per_query
from limitlab.relevance import RelevanceMatrix
from limitlab.search import TIE_RULES, RelevantRanks, RelevantSet, search_scores, tie_order

KINDS = ("recall", "all_relevant", "ndcg", "mrr")


def values_of(
    scores: list[list[float]],
    qrels: dict,
    measures: list[str],
    *,
    ties: str = "trec",
    min_relevance: int = 1,
    lowest: float = -np.inf,
) -> dict[str, np.ndarray]:
    """Measures of score rows; documents are "a", "b", ... by column, queries "0", "1", ... by row."""
    array = np.array(scores, np.float32)
    ids = [chr(97 + j) for j in range(array.shape[1])]
    relevance = RelevanceMatrix.from_qrels(qrels, query_ids=[str(i) for i in range(len(array))], doc_ids=ids)
    positive = relevance.binary()
    found = search_scores(
        [array], n_docs=len(ids), k=1, places=tie_order(ids, ties), relevant=RelevantSet(positive.indptr, positive.indices), lowest=lowest
    )
    assert found.ranks is not None
    return per_query([Measure.parse(m) for m in measures], relevance, found.ranks, ties=ties, min_relevance=min_relevance)


def one(scores: list[float], grades: dict[str, int], measure: str, **options: object) -> float:
    values = values_of([scores], {"0": grades}, [measure], **options)  # type: ignore[arg-type]
    return float(next(iter(values.values()))[0])


# -- spelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, kind, k, label",
    [
        ("recall@10", "recall", 10, "R@10"),
        ("R@10", "recall", 10, "R@10"),
        ("r@1", "recall", 1, "R@1"),
        (" Recall@100 ", "recall", 100, "R@100"),
        ("all@2", "all_relevant", 2, "All@2"),
        ("All_Relevant@2", "all_relevant", 2, "All@2"),
        ("nDCG@10", "ndcg", 10, "nDCG@10"),
        ("ndcg@5", "ndcg", 5, "nDCG@5"),
        ("MRR@10", "mrr", 10, "MRR@10"),
        ("RR@10", "mrr", 10, "MRR@10"),
    ],
)
def test_spellings(text: str, kind: str, k: int, label: str) -> None:
    measure = Measure.parse(text)
    assert measure == Measure(kind, k)
    assert (measure.name, measure.label) == (f"{kind}@{k}", label)
    assert Measure.parse(measure.name) == Measure.parse(measure.label) == measure


@pytest.mark.parametrize("text", ["recall", "recall@", "@10", "recall@-1", "recall@1.5", "recall@ten", "precision@10", "", "recall@1 0"])
def test_what_is_no_measure_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UnknownName, match=r"unknown measure .*known: all_relevant@K, mrr@K, ndcg@K, recall@K"):
        Measure.parse(text)


def test_a_mistyped_measure_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'recall@K'"):
        Measure.parse("recal@10")


def test_a_cut_is_at_least_one() -> None:
    with pytest.raises(RangeError, match="k must be >= 1; got k=0"):
        Measure.parse("recall@0")


def test_kinds_are_checked() -> None:
    with pytest.raises(UnknownName, match="did you mean 'recall'"):
        Measure("recal", 1)


def test_parsing_many_keeps_the_order_and_drops_repeats() -> None:
    assert [m.name for m in parse_measures(["mrr@5", "R@2", "recall@2", "RR@5", "R@1"])] == ["mrr@5", "recall@2", "recall@1"]


def test_sorting_is_by_kind_then_cut() -> None:
    measures = parse_measures(["mrr@1", "recall@10", "ndcg@3", "recall@2", "all@5"])
    assert [m.name for m in sorted(measures, key=Measure.order)] == ["recall@2", "recall@10", "all_relevant@5", "ndcg@3", "mrr@1"]


# -- values by hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "measure, expected",
    [
        ("recall@1", 0),
        ("recall@2", 1 / 3),
        ("recall@4", 2 / 3),
        ("recall@5", 1),
        ("all@4", 0),
        ("all@5", 1),
        ("mrr@1", 0),
        ("mrr@2", 1 / 2),
        ("mrr@9", 1 / 2),
        ("ndcg@1", 0),
        ("ndcg@4", (3 / log2(3) + 1 / log2(5)) / (3 + 2 / log2(3) + 1 / log2(4))),
        ("ndcg@5", (3 / log2(3) + 1 / log2(5) + 2 / log2(6)) / (3 + 2 / log2(3) + 1 / log2(4))),
        ("ndcg@2", (3 / log2(3)) / (3 + 2 / log2(3))),
    ],
)
def test_values_by_hand(measure: str, expected: float) -> None:
    """Ranked a b c d e; b has grade 3, d 1, e 2; c was judged irrelevant."""
    assert one([5, 4, 3, 2, 1], {"b": 3, "c": 0, "d": 1, "e": 2}, measure) == pytest.approx(expected, abs=1e-15)


def test_what_was_not_retrieved_never_counts() -> None:
    grades = {"a": 1, "b": 1}
    for ties in TIE_RULES:
        got = {m: one([1, 0, 0], grades, m, ties=ties, lowest=0.0) for m in ("recall@3", "all@3", "mrr@3", "ndcg@3")}
        assert got == pytest.approx({"recall@3": 0.5, "all@3": 0.0, "mrr@3": 1.0, "ndcg@3": 1 / (1 + 1 / log2(3))})
        assert one([0, 0, 1], grades, "mrr@3", ties=ties, lowest=0.0) == 0.0


@pytest.mark.parametrize("ties", TIE_RULES)
def test_queries_without_relevant_documents_are_nan(ties: str) -> None:
    qrels = {"0": {"a": 1}, "1": {}, "2": {"a": 0, "b": -1}, "3": {"b": 2}}
    values = values_of([[1, 0]] * 4, qrels, ["R@1", "all@1", "ndcg@1", "mrr@1"], ties=ties)
    for row in values.values():
        assert np.isnan(row).tolist() == [False, True, True, False]
        assert row[[0, 3]].tolist() == [1.0, 0.0]


def test_every_measure_has_a_value_for_every_query() -> None:
    values = values_of([[2, 1]] * 3, {str(i): {"a": 1} for i in range(3)}, ["R@1", "mrr@2"])
    assert {name: row.shape for name, row in values.items()} == {"recall@1": (3,), "mrr@2": (3,)}


@pytest.mark.parametrize("ties", TIE_RULES)
def test_min_relevance_moves_all_but_the_gain(ties: str) -> None:
    """Ranked a b c with grades 1, 2, 0: with min_relevance=2 only b counts; nDCG keeps every gain."""
    grades = {"a": 1, "b": 2, "c": 0}
    got = {m: one([3, 2, 1], grades, m, ties=ties, min_relevance=2) for m in ("R@1", "R@2", "all@2", "mrr@2", "ndcg@2")}
    ndcg = (1 + 2 / log2(3)) / (2 + 1 / log2(3))
    assert got == pytest.approx({"R@1": 0, "R@2": 1, "all@2": 1, "mrr@2": 1 / 2, "ndcg@2": ndcg})
    assert all(np.isnan(one([3, 2, 1], grades, f"{kind}@2", ties=ties, min_relevance=3)) for kind in KINDS)


# -- ties ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties, rank", [("trec", 3), ("st", 2), ("best", 1), ("worst", 4)])
def test_each_rule_puts_a_tied_document_in_its_place(ties: str, rank: int) -> None:
    """Four equal scores, b relevant: ids descending d c b a, ascending a b c d."""
    assert one([1, 1, 1, 1], {"b": 1}, "mrr@4", ties=ties) == 1 / rank


def test_expected_values_of_a_tie_by_hand() -> None:
    scores, grades = [9, 1, 1, 1, 0], {"b": 1, "c": 1}  # a first, then b c d in any order, then e
    assert one(scores, grades, "R@2", ties="expected") == pytest.approx(1 / 3)
    assert one(scores, grades, "all@3", ties="expected") == pytest.approx(1 / 3)
    assert one(scores, grades, "mrr@4", ties="expected") == pytest.approx(2 / 3 * 1 / 2 + 1 / 3 * 1 / 3)


def test_worst_puts_small_grades_first_and_best_large_ones() -> None:
    scores, grades = [1, 1, 1], {"a": 1, "b": 3}
    ideal = 3 + 1 / log2(3)
    assert one(scores, grades, "ndcg@3", ties="best") == pytest.approx(1.0)
    assert one(scores, grades, "ndcg@3", ties="worst") == pytest.approx((1 / log2(3) + 3 / log2(4)) / ideal)
    assert one(scores, grades, "mrr@3", ties="worst", min_relevance=2) == pytest.approx(1 / 3)
    assert one(scores, grades, "mrr@3", ties="best", min_relevance=2) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_worst_expected_and_best_are_in_this_order_and_bound_the_id_rules(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (20, 12)).tolist()
    qrels = {str(i): {chr(97 + j): int(rng.integers(0, 3)) for j in rng.choice(12, 5, replace=False)} for i in range(20)}
    names = [f"{kind}@{k}" for kind in KINDS for k in (1, 3, 7, 12)]
    by_rule = {rule: values_of(scores, qrels, names, ties=rule, min_relevance=1 + seed % 2) for rule in TIE_RULES}
    apart = 0
    for name in names:
        worst, best = by_rule["worst"][name], by_rule["best"][name]
        judged = ~np.isnan(worst)
        assert judged.any()
        for rule in ("expected", "trec", "st"):
            between = by_rule[rule][name]
            assert (worst[judged] <= between[judged] + 1e-12).all(), (name, rule)
            assert (between[judged] <= best[judged] + 1e-12).all(), (name, rule)
        apart += int((worst[judged] < best[judged]).sum())
    assert apart > 0


def test_without_ties_all_rules_agree() -> None:
    scores = np.random.default_rng(0).permutation(30).astype(float).reshape(3, 10).tolist()
    qrels = {str(i): {"b": 1, "e": 2, "h": 1} for i in range(3)}
    names = [f"{kind}@4" for kind in KINDS]
    first, *others = [values_of(scores, qrels, names, ties=rule) for rule in TIE_RULES]
    for other in others:
        for name in names:
            np.testing.assert_allclose(other[name], first[name], rtol=1e-12)


@pytest.mark.parametrize("size, counted, cut", [(1000, 3, 400), (1001, 3, 400), (50_000, 2, 100), (5000, 40, 4990)])
def test_huge_ties_have_the_hypergeometric_expectation(size: int, counted: int, cut: int) -> None:
    """A constant retriever: every document has the same score."""
    relevance = RelevanceMatrix(np.array([0, counted]), np.arange(counted), n_docs=size)
    ranks = RelevantRanks(np.array([0, counted]), np.zeros(counted, np.int64), np.full(counted, size), np.arange(counted))
    values = per_query(parse_measures([f"R@{cut}", f"all@{cut}"]), relevance, ranks, ties="expected")
    assert values[f"recall@{cut}"][0] == pytest.approx(cut / size, rel=1e-12)
    exact = comb(cut, counted) / comb(size, counted)
    assert values[f"all_relevant@{cut}"][0] == pytest.approx(exact, rel=1e-8)


def test_unknown_tie_rules_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'worst'"):
        one([1.0], {"a": 1}, "R@1", ties="wurst")
    ranks = RelevantRanks(np.array([0, 1]), *(np.zeros(1, np.int64),) * 3)
    with pytest.raises(UnknownName, match="did you mean 'worst'"):
        per_query([Measure("recall", 1)], RelevanceMatrix.from_qrels({"q": {"d": 1}}), ranks, ties="wurst")
