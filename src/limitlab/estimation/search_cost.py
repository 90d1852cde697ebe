"""What exact search and the search for best queries cost: counts of values, products and candidates over measured rates."""

from __future__ import annotations

from math import log
from typing import Any

from limitlab.estimation.machine import MachineProfile
from limitlab.estimation.measure import BLOCK, entering
from limitlab.estimation.part import Part
from limitlab.estimation.sizes import Sizes

BLOCK_QUERIES = 1024
MEASURED_AT = 384  # dim of rates that hold a local solve
PASSES = 3.2  # over all documents until a separating query is proved, times the sets; measured at 20,000 to 100,000 documents:
PASSES_SPREAD = (0.7, 1.25)  # 2.4 where documents lie evenly, 3.0 to 3.4 where they have a common direction, as those of encoders have
GAP_PASSES, GAP_PASSES_A_FOLD = 5.7, 0.5  # the same for the greatest gap at 20,000 documents, and for every factor e more; measured
GAP_SPREAD = (0.65, 1.3)  # 4.0 where documents lie evenly, 5.6 to 5.7 where they have a common direction
_GAP_AT = 20_000


def share_of_file(s: Sizes, machine: MachineProfile) -> tuple[str, float]:
    """(name, rate) at which a file of vectors is read again: out of memory where two thirds of it hold the file, else from disk."""
    if s.vector_bytes <= 2 * machine.memory_bytes / 3:
        return "file_cached", min(machine.rates["file_cached"], machine.rates["memory"])
    return "file_cold", machine.rates["file_cold"]


def reading(s: Sizes, machine: MachineProfile, passes: float, why: str, *, divides: bool) -> list[Part]:
    """Passes over the file of vectors; none where they lie in memory."""
    if not s.in_files or passes <= 0:
        return []
    name, rate = share_of_file(s, machine)
    said = "the file fits into two thirds of memory" if name == "file_cached" else "the file does not fit into two thirds of memory"
    return [
        Part(
            "read vectors again" if name == "file_cached" else "read vectors from disk, each pass", f"{passes:.4g} passes ({why}) x file",
            passes * s.vector_bytes, "bytes", rate, name, said + ", and nothing else uses it", low=0.5, high=2.0, divides=divides,
        )
    ]  # fmt: skip


def first_reading(s: Sizes, machine: MachineProfile) -> list[Part]:
    """The file, once from disk."""
    if not s.in_files:
        return []
    return [
        Part(
            "read vectors the first time", "n_docs x bytes a vector", s.vector_bytes, "bytes", machine.rates["file_cold"], "file_cold",
            "the file is not in memory yet; it may be, where it was just written or used", low=0.1, high=1.5, divides=False,
        )
    ]  # fmt: skip


def value_pass(name: str, rate_name: str, machine: MachineProfile, values: float, formula: str, *, divides: bool = False) -> Part:
    """One thing done to so many values."""
    return Part(name, formula, values, "values", machine.rates[rate_name], rate_name, "in proportion to the values", divides=divides)


def products(
    machine: MachineProfile,
    n_queries: float,
    n_docs: float,
    dim: int,
    what: str,
    *,
    rows: float | None = None,
    low: float = 0.85,
    high: float = 1.25,
) -> Part:
    """Float32 products, at the rate of a block of ``rows`` queries (default: all of them, at most 1,024)."""
    rows = max(1.0, min(n_queries if rows is None else rows, BLOCK_QUERIES))
    return Part(
        f"products: {what}", f"2 x {n_queries:,.0f} queries x {n_docs:,.0f} documents x {dim}", 2.0 * n_queries * n_docs * dim, "flop",
        machine.product_rate(rows, dim), "products", f"blocks of {rows:,.0f} queries and {BLOCK:,} documents", low=low, high=high, divides=True,
    )  # fmt: skip


def exact_search_parts(
    machine: MachineProfile, *, n_docs: float, n_queries: float, dim: int, k: float, pairs: float, normalise: bool, what: str
) -> list[Part]:
    """Everything that ``exact_search`` does to documents that are there.

    Parameters
    ----------
    pairs
        Relevant pairs that are ranked; 0 without relevance.
    normalise
        Whether rows are scaled to unit length; otherwise their lengths are taken.
    """
    values = n_docs * dim
    candidates = n_queries * entering(int(k), n_docs)
    rates = machine.rates
    scale = ("scale rows to unit length", "normalise") if normalise else ("lengths of rows", "lengths")
    parts = [
        value_pass("test rows for NaN", "check", machine, values, "n_docs x dim", divides=True),
        value_pass(*scale, machine, values, "n_docs x dim", divides=True),
        products(machine, n_queries, n_docs, dim, what),
        Part(
            f"candidate scan: {what}", "n_queries x n_docs", n_queries * n_docs, "scores", rates["scan"], "scan",
            "nearly all scores are passed over", divides=True,
        ),
        Part(
            f"candidates: {what}", "n_queries x k (1 + ln(n_docs / block)) x (dim / rate + 1 / rate of entering)", candidates, "candidates",
            1 / (dim / rates["offer"] + 1 / rates["enter"]), "offer, enter",
            "documents come in random order; sorted ones enter more often", low=0.7, high=2.5, divides=True,
        ),
    ]  # fmt: skip
    if pairs:
        formula = "relevant pairs x n_docs"
        parts.append(
            Part(
                f"ranks: {what}",
                formula,
                pairs * n_docs,
                "scores",
                rates["count"],
                "count",
                "few scores are too close to call",
                divides=True,
            )
        )
    return parts


def gap_passes(n_docs: float) -> float:
    """Passes over all documents until greatest gaps are known to a thousandth, each times the sets still open."""
    return GAP_PASSES + GAP_PASSES_A_FOLD * max(0.0, log(n_docs / _GAP_AT))


def separate_parts(
    machine: MachineProfile, s: Sizes, sets: tuple[float, float, float], passes: float, first_rate: str, what: str
) -> list[Part]:
    """Cutting planes for so many sets (low, expected, high): the first block with its local solves as measured, then passes over the others."""
    low, n_sets, high = sets
    if n_sets <= 0:
        return []
    spread = GAP_SPREAD if first_rate == "gaps_first" else PASSES_SPREAD
    wide: dict[str, Any] = {"low": spread[0] * low / n_sets, "high": spread[1] * high / n_sets, "divides": True}
    first = min(BLOCK, s.n_docs)
    rest = max(0.0, float(s.n_docs - first))
    steeper = max(1.0, s.dim / MEASURED_AT)  # a local step is quadratic in dim, its products are linear
    rates = machine.rates
    product = products(
        machine, n_sets * passes, rest, s.dim, f"{what}, {passes:.2g} passes", rows=n_sets, low=wide["low"], high=wide["high"]
    )
    return [
        value_pass("test rows for NaN", "check", machine, 2.0 * s.n_docs * s.dim, "n_docs x dim, twice: NaN and mean"),
        value_pass("lengths of rows", "lengths", machine, float(s.n_docs * s.dim), "n_docs x dim"),
        Part(
            f"{what}: first documents and local solves", "sets x block x dim", n_sets * first * s.dim * steeper, "values", rates[first_rate],
            first_rate, f"as {first:,} random documents take; long or clustered sets take more", **{**wide, "high": 2.0 * high / n_sets},
        ),
        product,
        Part(
            f"{what}: candidate scan", "passes x sets x n_docs", passes * n_sets * rest, "scores", rates["scan"], "scan",
            "passes measured at 20,000 to 100,000 documents of dimension 64 to 384", **wide,
        ),
    ]  # fmt: skip
