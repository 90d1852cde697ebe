"""Bounds that speak of a gap or of bits: ceilings of the gap, packing, distinct vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from limitlab.theory.bound import Bound
from limitlab.theory.counting import count_text, least_power, log_binomial, text_of_log10
from limitlab.theory.gap_ceilings import gap_upper_global_dual, gap_upper_row_wise_dual
from limitlab.theory.margins import gap_upper_global, gap_upper_row_wise
from limitlab.theory.matrix import Clock
from limitlab.theory.matrix_work import MatrixWork
from limitlab.theory.tasks import Found, Task

_UNIT = "unit documents and queries"
DEFAULT_GAPS = (0.2, 0.02, 0.002)


class Counted:
    """How many vectors must be kept apart: the logarithm of a number, and the number where it is short.

    Parameters
    ----------
    log
        Natural logarithm of the number, >= 0.
    exact
        The number itself, or None.
    what
        In words.
    """

    def __init__(self, log: float, exact: int | None, what: str) -> None:
        self.log, self.exact, self.what = log, exact, what

    @classmethod
    def number(cls, count: int, what: str) -> Counted:
        """A whole number."""
        return cls(math.log(max(1, count)), count, f"{count:,} {what}")

    @classmethod
    def subsets(cls, n_docs: int, k: int) -> Counted:
        """C(n_docs, k)."""
        short = min(k, n_docs - k) <= 2048
        return cls(log_binomial(n_docs, k), math.comb(n_docs, k) if short else None, f"{count_text(n_docs, k)} sets of {k:,} documents")

    @property
    def text(self) -> str:
        """The number as text."""
        return f"{self.exact:,}" if self.exact is not None and self.exact < 10**12 else text_of_log10(self.log / math.log(10))

    def least_bits(self) -> int:
        """Least b with 2**b >= the number."""
        if self.exact is not None:
            return (max(1, self.exact) - 1).bit_length()
        return math.ceil(self.log / math.log(2) * (1 - 1e-12))


def largest_equal_size(sizes: np.ndarray) -> Counted:
    """The most rows of one size: of these none contains another, so no two can share a query."""
    values, counts = np.unique(sizes, return_counts=True)
    if not counts.size:
        return Counted.number(1, "query")
    most = int(np.argmax(counts))
    return Counted.number(int(counts[most]), f"distinct queries with {int(values[most]):,} relevant documents each")


def packing_bounds(kept_apart: Sequence[Counted], gaps: Sequence[float], ceiling: float) -> list[Bound]:
    """Least dimension at each gap, by the largest of the counts [Weller2025]."""
    most = max(kept_apart, key=lambda c: c.log)
    found = []
    for gap in gaps:
        given = f"{_UNIT}, gap at least {gap:g} in every query"
        if gap > ceiling:
            note = f"no vectors of any dimension have it: the gap is at most {ceiling:.6g}"
            found.append(Bound("dim_at_gap", "lower", None, "theorem", "dim_lower_packing", given, ("Weller2025",), "not computed", note))
            continue
        value = least_power(most.log, gap, most.exact)
        note = f"{most.what}: {most.text} <= (1 + 2 / {gap:g})**d"
        found.append(Bound("dim_at_gap", "lower", value, "theorem", "dim_lower_packing", given, ("Weller2025",), note=note))
    return found


def bit_bounds(queries: Counted, docs: Counted, query_bits: int | None, doc_bits: int | None) -> list[Bound]:
    """Least dimension when the number of different stored vectors is limited."""
    found = []
    for counted, bits, name, cited in (
        (queries, query_bits, "dim_lower_query_bits", ("Okajima2026",)),
        (docs, doc_bits, "dim_lower_doc_bits", ()),
    ):
        if bits is not None:
            side = "queries" if name == "dim_lower_query_bits" else "documents"
            value = -(-counted.least_bits() // bits)
            given = f"{side} stored in {bits} bits a coordinate"
            note = f"{counted.what}: {counted.text} <= 2**({bits} d)"
            found.append(Bound("dim_in_bits", "lower", value, "theorem", name, given, cited, note=note))
    return found


def subset_ceilings(n_docs: int, k: int, *, sets: str = "exactly") -> list[Bound]:
    """The closed forms for all k-subsets; the simplex attains both.

    With sets of "at most" k documents the ceiling is that of the size nearest to n / 2. The simplex attains it with own thresholds; with
    threshold 0 it would have to fit several sizes at once, so there the ceiling is an upper bound.
    """
    size = k if sets == "exactly" else min(k, n_docs // 2)
    row, one = gap_upper_row_wise(n_docs, size), gap_upper_global(n_docs, size)
    held = f"attained by the simplex in {n_docs - 1:,} dimensions"
    given = f"{_UNIT}, threshold 0"
    if sets == "exactly":
        more = f"attained by the simplex with one more coordinate, in {n_docs:,} dimensions"
        last = Bound("gap_global", "exact", one, "theorem", "gap_exact_simplex_global", given, ("Bangachev2026",), note=more)
    else:
        last = Bound("gap_global", "upper", one, "theorem", "gap_upper_simplex_global", given, ("Bangachev2026",), note=f"sets of {size:,}")
    return [Bound("gap_row_wise", "exact", row, "theorem", "gap_exact_simplex", _UNIT, ("Wang2026",), note=held), last]


def ceiling_tasks(work: MatrixWork) -> list[Task]:
    """The ceilings of a given matrix by duality."""

    def row_wise(clock: Clock) -> Found:
        if not work.half:
            return 2.0, "no query divides the documents"
        return gap_upper_row_wise_dual(work.core, clock), f"weights found by descent; {work.in_words(work.core)}"

    def one_threshold(clock: Clock) -> Found:
        if not work.half:
            return 2.0, "no query divides the documents"
        return gap_upper_global_dual(work.core, clock), f"weights found by descent; {work.in_words(work.core)}"

    cited = ("Forster2002", "LinialShraibman2009")
    return [
        Task("gap_row_wise", "upper", "theorem", "gap_upper_dual", _UNIT, ("Wang2026", "LinialShraibman2009"), row_wise, 0.4),
        Task("gap_global", "upper", "theorem", "gap_upper_dual_global", f"{_UNIT}, threshold 0", cited, one_threshold, 0.4),
    ]
