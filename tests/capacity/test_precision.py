"""Surviving rounding: exact decisions, every set looked at, native sums in their stated order."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, RangeError, TooLarge, UnknownName
from limitlab.capacity import HarmonicFrame, IntegerCurve, Simplex, TrigCurve, largest_n, round_to, survives
from limitlab.capacity.exact_scores import exact_score, score_error, set_differences
from limitlab.capacity.precision import rule_of_thumb


@dataclass
class Given:
    """Vectors as they are."""

    vectors: np.ndarray
    asked: np.ndarray
    order: dict

    @property
    def n_docs(self):
        return len(self.vectors)

    @property
    def dim(self):
        return self.vectors.shape[1]

    def docs(self):
        return self.vectors

    def queries(self, sets):
        return self.asked[[self.order[tuple(s)] for s in sets.tolist()]]


def by_fractions(docs, queries, sets):
    out = []
    for q, members in zip(queries, sets):
        scores = [exact_score(d, q) for d in docs]
        out.append(min(scores[i] for i in members) - max(s for j, s in enumerate(scores) if j not in set(members.tolist())))
    return out


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "fp8-e5m2", "int8", "int8-per-dim", "binary"])
def test_signs_are_those_of_fractions(dtype):
    rng = np.random.default_rng(0)
    sets = np.array(list(combinations(range(7), 2)))
    docs, queries = round_to(rng.normal(size=(7, 3)), dtype), round_to(rng.normal(size=(21, 3)), dtype)
    docs[4] = docs[2]  # ties that only exact arithmetic may decide
    docs[5] = docs[3] * (1 + 2.0**-22)
    got, want = set_differences(docs, queries, sets), by_fractions(docs.astype(float), queries.astype(float), sets)
    assert [np.sign(x) for x in got] == [(w > 0) - (w < 0) for w in want]
    assert np.allclose(got, [float(w) for w in want], rtol=1e-9, atol=1e-15)


def test_a_difference_below_float64_is_decided():
    docs = np.array([[1.0, 2.0**-60], [1.0, 0.0], [1.0, -(2.0**-60)]])
    query = np.array([[1.0, 1.0]])
    assert set_differences(docs, query, np.array([[0]])).tolist() == [2.0**-60]
    assert set_differences(docs, query, np.array([[1]])).tolist() == [-(2.0**-60)]
    assert score_error(docs, query)[0] > 0
    assert score_error(np.array([[0.5, 0.25]]), np.array([[3.0, 1.0]]))[0] == 0  # nothing is rounded
    assert exact_score(docs[0], query[0]) == 1 + Fraction(1, 2**60)


def test_every_set_is_looked_at():
    """One bad query among 190 is found wherever it stands."""
    curve = TrigCurve(20)
    sets = list(combinations(range(20), 2))
    order = {s: i for i, s in enumerate(sets)}
    queries = curve.queries(np.array(sets))
    for bad in (0, 97, 189):
        changed = queries.copy()
        changed[bad] = -changed[bad]
        found = survives(Given(curve.docs(), changed, order), "float32")
        assert not found.survives and found.failed == sets[bad] and found.least_gap < 0
    found = survives(Given(curve.docs(), queries, order), "float32")
    assert found.survives and found.sets == 190 and found.least_gap == pytest.approx(curve.pair_gap(2), rel=1e-3)


def test_native_sums_in_their_stated_order():
    docs = np.array([[1.0, 2.0**-9, 2.0**-9], [1.0, 0.0, 0.0]])
    given = Given(docs, np.array([[1.0, 1.0, 1.0], [0.0, -1.0, 0.0]]), {(0,): 0, (1,): 1})
    assert survives(given, "bfloat16", k=1).survives
    # 1 + 2**-9 is 1 in bfloat16, twice; float16 and float32 hold it.
    assert survives(given, "bfloat16", k=1, accumulation="native").failed == (0,)
    assert survives(given, "float16", k=1, accumulation="native").survives
    assert survives(given, "bfloat16", k=1, accumulation="native", query_dtype="float32").survives  # sums in the wider type


def test_other_constructions_and_sizes():
    assert survives(Simplex(9), "fp8-e4m3", k=3).sets == 84
    assert survives(Simplex(9), "binary").n_docs == 9
    frame = HarmonicFrame(97, (1, 35, 36))
    assert survives(frame, "float16").survives and survives(frame, "bfloat16", query_dtype="float32").sets <= 97 * 48
    assert survives(TrigCurve(12, 6), "float32", k=3).survives
    per_dim = survives(TrigCurve(12), "int8-per-dim")
    assert per_dim.dtype == "int8-per-dim" and per_dim.to_dict()["schema"] == "limitlab.survival/1"


def test_largest_n_says_what_was_scanned():
    found = largest_n(TrigCurve, "bfloat16")
    assert (found.every_up_to, found.largest, found.low) == (20, 20, 5) and found.scanned_to == 21 + 5 + 8
    assert found.first_failure.n_docs == 21 and not found.first_failure.survives
    some = largest_n(TrigCurve, "bfloat16", high=12)
    assert (some.every_up_to, some.largest, some.scanned_to, some.first_failure) == (12, 12, 12, None)
    none = largest_n(partial(TrigCurve), "binary")
    assert none.every_up_to == none.largest == 4 and none.to_dict()["first_failure"]["n_docs"] == 5


def test_queries_solved_for_the_stored_documents_survive_no_fewer_in_float16():
    assert largest_n(TrigCurve, "float16", solve_on="stored").every_up_to >= largest_n(TrigCurve, "float16").every_up_to


def test_rule_of_thumb():
    assert [round(rule_of_thumb(t)) for t in ("float64", "float32", "float16", "bfloat16")] == [45301, 298, 31, 19]
    assert rule_of_thumb("float32") / 2**6 == pytest.approx(4.65, abs=0.005)
    with pytest.raises(RangeError, match="must have a unit roundoff"):
        rule_of_thumb("int8")


def test_refusals():
    with pytest.raises(UnknownName, match="did you mean 'float32'"):
        survives(TrigCurve(9), "flot32")
    with pytest.raises(UnknownName, match="query_dtype"):
        survives(TrigCurve(9), "float32", query_dtype="half")
    with pytest.raises(InvalidArgument, match="must be 'exact' for int8"):
        survives(TrigCurve(9), "int8", accumulation="native")
    with pytest.raises(InvalidArgument, match="one type that holds the other"):
        survives(TrigCurve(9), "bfloat16", query_dtype="float16", accumulation="native")
    with pytest.raises(TooLarge, match="Ask fewer"):
        survives(TrigCurve(10_000), "float32")
    with pytest.raises(RangeError):
        survives(TrigCurve(9), "float32", k=9)
    assert IntegerCurve(20).docs().dtype == np.int64
