"""The planner never claims more than its evidence: what it calls possible is verified, the three senses never cross."""

from __future__ import annotations

import math
import time
from itertools import combinations

import numpy as np
import pytest

from limitlab import separate
from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab.capacity import round_to
from limitlab.capacity.evidence import certified, existing, exists_in, impossible
from limitlab.capacity.phase_diagram import phase_map
from limitlab.capacity.planner import STATUSES, capacity
from limitlab.published import critical_n_cubic, critical_n_table
from limitlab.theory.existence import dim_upper_gaussian_gap

EXACT = {"dtype": "exact", "query_dtype": "exact"}


def test_the_example_of_the_manual_exists_and_is_not_certified() -> None:
    found = capacity(n_docs=50_000_000, k=10, dim=1024, dtype="int8")
    assert (found.status, found.certified) == ("exists", None)
    assert found.existing is not None and found.existing.kind == "existence" and found.existing.dim <= 1024
    assert found.needs_at_least == 20 and found.needs_certified == 8192
    assert found.value_existing is not None and 0 < found.value_existing < found.value_impossible


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({"n_docs": 46, "k": 2, "dim": 4}, "possible"),
        ({"n_docs": 46, "k": 2, "dim": 3}, "impossible"),
        ({"n_docs": 50_000, "k": 2, "dim": 4}, "open"),
        ({"n_docs": 50_000, "k": 2, "dim": 4, **EXACT}, "possible"),
        ({"n_docs": 50_000, "k": 2, "dim": 12}, "possible"),
        ({"n_docs": 1_000, "k": 2, "dim": 4096, "gap": 0.75}, "impossible"),
        ({"n_docs": 1_000, "k": 100, "dim": 999}, "possible"),
        ({"n_docs": 1_000, "k": 100, "dim": 700}, "exists"),
        ({"n_docs": 1_000, "k": 100, "dim": 250}, "open"),
        ({"n_docs": 100, "k": 2, "dim": 6, "dtype": "binary", "query_dtype": "binary"}, "impossible"),
        ({"n_docs": 2**40, "k": 2, "dim": 1024, "dtype": "binary", "query_dtype": "int8", "gap": 0.38}, "possible"),
        ({"n_docs": 16_777_216, "k": 10, "dim": 4096, "dtype": "binary", "query_dtype": "int8", "gap": 0.1}, "possible"),
    ],
)
def test_status(question: dict, status: str) -> None:
    assert capacity(**question).status == status


def test_all_sizes_of_the_published_table_and_of_its_fit_are_certified() -> None:
    """Every d from 4 to 64: more documents than published (d <= 45) or than the fit says (46 to 64), with gap 0.001."""
    published = dict(critical_n_table())
    for dim in range(4, 65):
        found = capacity(k=2, dim=dim, gap=1e-3)
        assert found.value_certified is not None and found.value_certified > published.get(dim, critical_n_cubic(dim))


@pytest.mark.parametrize(
    "question", [{"n_docs": 46, "k": 2, "dim": 12, "gap": 0.05}, {"k": 3, "dim": 8, "gap": 1e-3}, {"n_docs": 200, "k": 2}]
)
def test_what_is_called_possible_is_proved_again(question: dict) -> None:
    found = capacity(**question)
    assert found.certified is not None and found.certified.certificate is not None
    verdict = found.certified.certificate.verify()
    assert verdict.verified
    assert verdict.claim["min_gap"] >= question.get("gap", 0.0) and verdict.claim["n_docs"] >= question.get("n_docs", 0)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "fp8-e4m3", "int8", "int8-per-dim", "binary", "exact"])
@pytest.mark.parametrize("k", [1, 2, 10])
@pytest.mark.parametrize("n", [12, 1_000, 10**7])
@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_the_three_senses_never_cross(n: int, k: int, dtype: str, gap: float) -> None:
    types = {"dtype": dtype, "query_dtype": "exact" if dtype == "exact" else "float32"}
    needed = impossible(n, k, gap=gap, **types).dim
    for evidence in (certified(n, k, gap=gap, **types), existing(n, k, gap=gap, **types)):
        assert evidence is None or evidence.dim >= needed
        assert evidence is None or evidence.gap is None or evidence.gap >= gap
    shown = existing(n, k, gap=gap, **types)
    if shown is not None and shown.dim > 2:
        assert exists_in(n, k, dim=shown.dim, gap=gap, **types) and not exists_in(n, k, dim=shown.dim - 1, gap=gap, **types)


def test_solving_for_each_number_agrees_with_asking_for_it() -> None:
    types = {"dtype": "int8", "query_dtype": "float32"}
    most = capacity(k=4, dim=512, gap=0.05, **types)
    assert capacity(n_docs=most.value_existing, k=4, dim=512, gap=0.05, **types).status in ("exists", "possible")
    assert capacity(n_docs=most.value_certified, k=4, dim=512, gap=0.05, **types).status == "possible"
    least = capacity(n_docs=10_000, k=4, gap=0.05, **types)
    assert capacity(n_docs=10_000, k=4, dim=least.value_certified, gap=0.05, **types).status == "possible"
    assert capacity(n_docs=10_000, k=4, dim=least.value_impossible - 1, gap=0.05, **types).status == "impossible"
    largest = capacity(n_docs=10_000, dim=512, gap=0.05, **types)
    assert capacity(n_docs=10_000, k=largest.value_certified, dim=512, gap=0.05, **types).status == "possible"
    assert capacity(n_docs=10_000, k=largest.value_impossible, dim=512, gap=0.05, **types).status == "impossible"
    widest = capacity(n_docs=10_000, k=2, dim=512, **types)
    assert capacity(n_docs=10_000, k=2, dim=512, gap=widest.value_certified, **types).status == "possible"
    assert capacity(n_docs=10_000, k=2, dim=512, gap=widest.value_impossible * 1.001, **types).status == "impossible"


def test_the_bit_budget_counts_only_where_queries_are_stored_in_bits() -> None:
    loose = capacity(n_docs=10**6, k=10, dim=100, dtype="binary")
    tight = capacity(n_docs=10**6, k=10, dim=100, dtype="binary", query_dtype="binary")
    assert loose.status == "open"
    assert tight.status == "impossible" and tight.impossible is not None and tight.impossible.name == "dim_lower_bits"


def test_an_answer_takes_less_than_a_second() -> None:
    capacity(n_docs=100, k=2, dim=4)  # tables are read once
    for question in (
        {"k": 10, "dim": 1024},
        {"n_docs": 50_000_000, "dim": 1024},
        {"n_docs": 50_000_000, "k": 10},
        {"n_docs": 50_000_000, "k": 10, "dim": 1024},
    ):
        start = time.perf_counter()
        capacity(**question, dtype="int8")
        assert time.perf_counter() - start < 1


def test_the_answer_as_plain_values() -> None:
    found = capacity(n_docs=50_000, k=2, dim=384).to_dict()
    assert found["schema"] == "limitlab.capacity/1" and found["status"] in STATUSES
    assert "trained encoder" in found["says_not"]
    assert found["certified"]["kind"] == "certificate" and "certificate" not in found["certified"]
    assert found["extrapolation"] == pytest.approx(critical_n_cubic(384))


@pytest.mark.parametrize(
    ("question", "error", "words"),
    [
        ({"k": 2}, InvalidArgument, "at most one of n_docs, k and dim may be left out; got no n_docs and no dim"),
        ({"n_docs": 5, "k": 5, "dim": 3}, RangeError, "k must be in"),
        ({"n_docs": 0, "k": 1, "dim": 3}, RangeError, "n_docs must be in"),
        ({"n_docs": 5, "k": 2, "dim": 0}, RangeError, "dim must be in"),
        ({"n_docs": 5, "k": 2, "dim": 3, "gap": -1.0}, RangeError, "gap must be in"),
        ({"n_docs": 5, "k": 2, "dim": 3, "gap": float("nan")}, RangeError, "gap must be a finite number"),
        ({"n_docs": 5, "k": 2, "dim": 3, "dtype": "float33"}, UnknownName, "did you mean 'float32'"),
    ],
)
def test_bad_questions(question: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        capacity(**question)


def test_the_map_agrees_with_the_planner() -> None:
    found = phase_map(2, gap=0.01, n_docs=(10, 10**6), dims=(2, 512))
    assert [p.n_docs for p in found.points] == sorted({p.n_docs for p in found.points})
    for point in found.points[:: max(1, len(found.points) // 12)]:
        asked = capacity(n_docs=point.n_docs, k=2, gap=0.01)
        assert asked.needs_at_least == point.impossible_below
        assert asked.needs_certified == point.certified_from
        if not point.is_step:
            assert asked.needs_existing == point.existing_from
    for earlier, later in zip(found.points, found.points[1:]):
        assert later.impossible_below >= earlier.impossible_below
        assert later.certified_from is None or later.certified_from >= earlier.certified_from
    assert found.to_dict()["points"][0]["n_docs"] == 10


def test_a_map_without_any_vectors_has_no_areas() -> None:
    found = phase_map(4, gap=0.9, n_docs=(10, 1_000))
    assert all(p.impossible_below is None and p.certified_from is None and p.existing_from is None for p in found.points)


@pytest.mark.parametrize("bad", [{"k": 0}, {"gap": 3.0}, {"dtype": "int9"}, {"n_docs": (100, 10)}, {"dims": (8, 4)}])
def test_bad_maps(bad: dict) -> None:
    with pytest.raises(InvalidArgument):
        phase_map(**{"k": 2, **bad})


TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "fp8-e4m3"])
def test_documents_that_rounding_moves_off_the_sphere_are_not_called_impossible(dtype: str) -> None:
    """A tetrahedron and a document inside it: every pair of 5 in 3 dimensions, which unit documents need 4 for."""
    docs = np.vstack([TETRAHEDRON, [[0.01, 0.02, 0.03]]])
    assert (separate(docs, np.array(list(combinations(range(5), 2)))).gaps > 0).all()
    assert capacity(n_docs=5, k=2, dim=3, dtype=dtype).status != "impossible"
    assert capacity(n_docs=5, k=2, dim=3, **EXACT).status == "impossible"
    assert capacity(k=2, dim=3, dtype=dtype).value_impossible == 6


def test_a_gap_that_rounding_enlarged_is_not_called_impossible() -> None:
    stored = round_to(TETRAHEDRON, "fp8-e5m2")
    scores = stored @ stored.T
    gap = float(np.diag(scores).min() - (scores - 9 * np.eye(4)).max())
    assert gap > 1.5  # above the ceiling of unit vectors, 4/3
    found = capacity(n_docs=4, k=1, dim=3, gap=gap, dtype="fp8-e5m2", query_dtype="fp8-e5m2")
    assert found.status != "impossible"
    assert capacity(n_docs=4, k=1, dim=3, dtype="fp8-e5m2", query_dtype="fp8-e5m2").value_impossible > gap


def test_a_certificate_restated_in_a_wider_type_proves_itself() -> None:
    found = capacity(n_docs=320, k=2, dim=4, query_dtype="float64")
    assert found.certified is not None and found.certified.certificate is not None
    assert found.certified.certificate.query_dtype == "float64" and found.certified.certificate.verify().verified


def test_a_last_dimension_that_is_no_power_of_two_is_reached() -> None:
    assert dim_upper_gaussian_gap(1_000, 2, gap=0.05, max_dim=60) == 53
    assert dim_upper_gaussian_gap(1_000, 2, gap=0.05, max_dim=52) is None
    assert capacity(n_docs=10_000, dim=600, **EXACT).value_certified == 256
