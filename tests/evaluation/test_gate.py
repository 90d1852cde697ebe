"""The gate: what passes, what does not, and which baselines it accepts."""

from __future__ import annotations

import pytest

from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab.data import Dataset, make_limit
from limitlab.evaluation import Minimum, compare_paired, evaluate, gate
from limitlab.evaluation.gate import holm

MEASURES = ["recall@2", "mrr@10"]
DATA = make_limit(n_docs=60, n_queries=40)


def run(*retrievers, data=DATA, measures=MEASURES, **options):
    return evaluate(data, list(retrievers), measures=measures, **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("recall@10=0.9", Minimum("recall@10", 0.9)),
        ("R@10=1", Minimum("recall@10", 1.0)),
        ("minilm@128:nDCG@10=.5", Minimum("ndcg@10", 0.5, "minilm@128")),
        ("bm25:k1=0.9,b=0.4:recall@10=0.9", Minimum("recall@10", 0.9, "bm25:k1=0.9,b=0.4")),
        ("owner/name:all@2=0", Minimum("all_relevant@2", 0.0, "owner/name")),
    ],
)
def test_a_minimum_is_read_from_text(text, expected):
    assert Minimum.parse(text) == expected


@pytest.mark.parametrize("text", ["recall@10", "recall@10=", "recall@10=high", "0.9", "=0.9", "recall=0.9", "recall@10=nan"])
def test_what_is_no_minimum_is_refused(text):
    with pytest.raises(InvalidArgument, match="--min: MEASURE=VALUE or ROW:MEASURE=VALUE is expected"):
        Minimum.parse(text)


def test_numbers_and_names_outside_their_range_are_refused():
    with pytest.raises(RangeError, match="must be in"):
        Minimum.parse("recall@10=90")
    with pytest.raises(UnknownName, match="recall@K"):
        Minimum.parse("recal@10=0.9")
    result = run("bm25")
    for options, error in (
        ({}, InvalidArgument),
        ({"minima": ["bm52:recall@2=0.5"]}, UnknownName),
        ({"minima": ["recall@7=0.5"]}, UnknownName),
        ({"max_tie_rate": 2}, RangeError),
        ({"minima": ["recall@2=0.5"], "alpha": -1}, RangeError),
    ):
        with pytest.raises(error):
            gate(result, **options)


def test_minima_hold_for_every_row_or_for_the_named_ones():
    result = run("bm25", "token-sums", dims=[2, 4])
    report = gate(result, ["recall@2=0.9"])
    assert [(c.row, c.passed) for c in report.checks] == [("bm25", True), ("token-sums@2", False), ("token-sums@4", False)]
    assert not report.passed
    assert gate(result, ["bm25:recall@2=0.9"]).passed
    assert [c.row for c in gate(result, ["token-sums:recall@2=0"]).checks] == ["token-sums@2", "token-sums@4"]
    assert [c.row for c in gate(result, ["token-sums@4:recall@2=0"]).checks] == ["token-sums@4"]
    mean = result.row("bm25").measures["mrr@10"].mean
    assert gate(result, [Minimum("mrr@10", mean, "bm25")]).passed
    assert not gate(result, [Minimum("mrr@10", min(1.0, mean + 1e-6), "token-sums")]).passed


def test_the_tie_rate_has_a_greatest_value():
    same = Dataset.from_texts({f"d{i}": "red" for i in range(5)}, {"q": "red"}, {"q": {"d0": 1}})
    result = run("bm25", data=same, measures=["recall@1"])
    assert result.row("bm25").tie_rate == 1.0
    assert not gate(result, max_tie_rate=0.5).passed
    assert gate(result, max_tie_rate=1.0).passed


def test_a_significant_drop_fails_and_a_gain_or_noise_does_not():
    good, bad = run("bm25"), run("token-sums:dim=4")
    report = gate(bad, baseline=good, measures=MEASURES)
    assert [c.passed for c in report.checks] == [False, False]
    assert all(c.comparison.second == "bm25" and c.value < 0.05 for c in report.checks)
    assert gate(good, baseline=bad, measures=MEASURES).passed
    assert gate(good, baseline=good, measures=MEASURES).passed
    assert gate(bad, baseline=good, measures=MEASURES, alpha=0.0).passed
    expected = compare_paired(bad.per_query("token-sums@4", "recall@2"), good.per_query("bm25", "recall@2"))
    assert report.checks[0].comparison.p_value == expected.p_value


def test_p_values_are_adjusted_for_all_comparisons():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_baseline_is_found_by_the_data_and_by_the_row():
    base = run("bm25", "token-sums", dims=[4])
    moved = Dataset("another name", DATA.docs, DATA.queries, DATA.relevance)
    again = run("bm25", data=moved)
    assert gate(again, baseline=base, measures=["recall@2"]).checks[0].comparison.second == "bm25"
    with pytest.raises(UnknownName, match="unknown row of the baseline 'token-sums@8'"):
        gate(run("token-sums", dims=[8]), baseline=base, measures=["recall@2"])
    with pytest.raises(InvalidArgument, match="it is on other data"):
        gate(run("bm25", data=make_limit(n_docs=50, n_queries=20)), baseline=base, measures=["recall@2"])
    with pytest.raises(InvalidArgument, match="measured with the same ties"):
        gate(run("bm25", ties="worst"), baseline=base, measures=["recall@2"])
    with pytest.raises(UnknownName, match="measure of the baseline 'recall@10'"):
        gate(again, baseline=base)


def test_a_row_without_a_number_meets_nothing():
    result = run("token-sums:dim=8", dims=[8, 16])
    report = gate(result, ["recall@2=0"])
    assert [(c.kind, c.passed) for c in report.checks] == [("minimum", True), ("measured", False)]
    assert "16 were asked for" in report.checks[1].found


def test_the_report_is_plain_values():
    told = gate(run("bm25"), ["recall@2=0.5"], max_tie_rate=1, baseline=run("bm25"), measures=["recall@2"]).to_dict()
    assert told["schema"] == "limitlab.gate/1" and told["passed"] is True
    assert [c["kind"] for c in told["checks"]] == ["minimum", "ties", "baseline"]
    assert told["checks"][2]["comparison"]["equal"] == 40
