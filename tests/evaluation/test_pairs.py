"""Paired tests of two rows over datasets: what has both is tested, what has not says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, UnknownName
from limitlab._core.status import Status
from limitlab.evaluation import Estimate, EvaluationResult, Row, compare_paired, compare_rows
from limitlab.evaluation.gate import holm

RNG = np.random.default_rng(0)
VALUES = {
    name: {m: RNG.random(60) ** power for m in ("recall@2", "recall@10")} for name, power in (("a1", 1), ("b1", 2), ("a2", 1), ("b2", 1))
}


def row(dataset: str, retriever: str, artefact: str, measures=("recall@2", "recall@10"), **more) -> Row:
    means = {m: Estimate(float(VALUES[artefact][m].mean()), 0.0, 1.0) for m in measures} if artefact in VALUES else {}
    about = {"key": f"{dataset}{retriever}{artefact}", "artefact": artefact, "status": Status.SOLVED, "message": ""}
    base = Row.from_dict(
        {"dataset": dataset, "retriever": retriever, "label": retriever, "family": "sparse", "dim": None, "measures": {}, "status": "solved",
         "message": "", "tie_rate": 0.0, "cost": {}, "notes": {}, "key": "", "artefact": None}
    )  # fmt: skip
    return replace(base, measures=means, **{**about, **more})


def result(*rows: Row) -> EvaluationResult:
    return EvaluationResult(rows, (), load_arrays=lambda artefact: VALUES[artefact])


BOTH = (row("one", "a", "a1"), row("one", "b", "b1"), row("two", "a", "a2"), row("two", "b", "b2", ("recall@10",)))


def test_every_dataset_and_measure_that_both_have_and_adjusted_together():
    found = compare_rows(result(*BOTH), [("a", "b")])
    assert [(t.dataset, t.comparison.measure) for t in found] == [("one", "recall@2"), ("one", "recall@10"), ("two", "recall@10")]
    for t in found:
        first, second = ("a1", "b1") if t.dataset == "one" else ("a2", "b2")
        measure = t.comparison.measure
        assert t.comparison == compare_paired(VALUES[first][measure], VALUES[second][measure], first="a", second="b", measure=measure)
    assert [t.p_adjusted for t in found] == holm([t.comparison.p_value for t in found])
    assert found[0].to_dict()["p_adjusted"] == found[0].p_adjusted and found[0].to_dict()["dataset"] == "one"


def test_what_has_no_numbers_says_why_and_the_rest_is_tested():
    failed = row("one", "b", "", status=Status.FAILED, message="NaN in its vectors")
    found = compare_rows(result(BOTH[0], failed, *BOTH[2:]), [("a", "b")])
    assert [(t.dataset, t.problem) for t in found] == [("one", "b: NaN in its vectors"), ("two", "")]
    assert found[1].p_adjusted == found[1].comparison.p_value
    assert found[0].to_dict() == {"dataset": "one", "first": "a", "second": "b", "problem": "b: NaN in its vectors"}
    alone = compare_rows(result(*BOTH[:2], BOTH[2]), [("a", "b")])
    assert {t.dataset for t in alone} == {"one"}, "a dataset with one of the rows has nothing to compare"
    twice = compare_rows(result(*BOTH[:2], row("one", "a", "a2")), [("a", "b")])
    assert [t.problem for t in twice] == ["a was measured here with 2 settings: show one of them"]


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(UnknownName, match="unknown row 'c'"):
        compare_rows(result(*BOTH), [("a", "c")])
    with pytest.raises(InvalidArgument, match="nowhere together"):
        compare_rows(result(BOTH[0], BOTH[3]), [("a", "b")])
    with pytest.raises(InvalidArgument, match="pairs must be pairs"):
        compare_rows(result(*BOTH), ["ab"])
    with pytest.raises(DataError, match="not at hand"):
        compare_rows(replace(result(*BOTH), load_arrays=None), [("a", "b")])
    with pytest.raises(UnknownName, match="2 times on one, with other settings"):
        result(*BOTH[:2], row("one", "a", "a2")).row("a")
