"""``bounds``: what is known about the dimension that a relevance matrix, or all k-subsets, need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic
from typing import Any

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument, ShapeError
from limitlab.relevance import RelevanceMatrix
from limitlab.theory.bound import Bound
from limitlab.theory.bound_table import BoundTable
from limitlab.theory.counting import count_text, text_of_log10
from limitlab.theory.exact_dimension import SETS, dim_exact_subsets, sign_rank_exact_subsets
from limitlab.theory.gap_bounds import (
    DEFAULT_GAPS,
    Counted,
    bit_bounds,
    ceiling_tasks,
    largest_equal_size,
    packing_bounds,
    subset_ceilings,
)
from limitlab.theory.lower_tasks import counting_lower, spectral_lower, trace_lower
from limitlab.theory.matrix import Clock, SignMatrix
from limitlab.theory.matrix_work import MatrixWork
from limitlab.theory.not_computable import not_computable
from limitlab.theory.quantities import best, chained
from limitlab.theory.upper_tasks import exact_bounds, order_upper, quick_upper, rank_tasks

_WHO = "bounds()"


def bounds(
    relevance: RelevanceMatrix | None = None,
    *,
    n_docs: int | None = None,
    k: int | None = None,
    sets: str = "exactly",
    gap: float | Sequence[float] | None = None,
    query_bits: int | None = None,
    doc_bits: int | None = None,
    seconds: float = 10.0,
    min_relevance: int = 1,
    found: Sequence[Bound] = (),
) -> BoundTable:
    """Bounds on the dimension, the sign rank and the gap, of a relevance matrix or of all k-subsets of n documents.

    Quick bounds come first. One that is not finished in time is in the answer as "not computed". Equal rows and columns are merged
    before anything else, so only documents that some query asks cost time. A query with no relevant document, or with all, asks
    nothing of a ranking: it is left out of "dim", "dim_cosine", "dim_euclidean" and the gaps. With threshold 0, or one threshold for all,
    its scores must all be on one side, which is counted.

    Parameters
    ----------
    relevance
        Queries x documents. Or give ``n_docs`` and ``k``.
    n_docs, k, sets
        All sets of "exactly" or "at most" k of n_docs documents, 1 <= k < n_docs <= 1e18; nothing is enumerated.
    gap
        Full gaps in (0, 2] for the packing bound. Default: 0.2, 0.02, 0.002.
    query_bits, doc_bits
        Bits a coordinate, if queries or documents are stored in bits, >= 1.
    seconds
        Time allowed, >= 0. Bounds that take no time are always there.
    min_relevance
        The grade from which a document counts as relevant.
    found
        More bounds of the same matrix, for example from vectors that an optimisation found; they are part of the answer and of the chain.

    Returns
    -------
    BoundTable

    Raises
    ------
    InvalidArgument
        Neither or both of ``relevance`` and (``n_docs``, ``k``) are given.
    RangeError, ShapeError, UnknownName
        A number is outside its range; there is no query.

    References
    ----------
    [Weller2025], [Wang2026], [Bangachev2026], [AlonMoranYehudayoff2016], [Forster2002], [ForsterSimon2006].

    Examples
    --------
    >>> table = bounds(n_docs=46, k=2)
    >>> table.exact("dim"), table.exact("sign_rank"), table.exact("dim_euclidean")
    (4, 5, 3)
    """
    started = monotonic()
    given = [gap] if isinstance(gap, (int, float)) else list(DEFAULT_GAPS if gap is None else gap)
    gaps = [real(_WHO, "gap", g, low=1e-300, high=2.0) for g in given]
    seconds = real(_WHO, "seconds", seconds, low=0.0)
    bits = [None if b is None else whole(_WHO, name, b, low=1) for name, b in (("query_bits", query_bits), ("doc_bits", doc_bits))]
    if (relevance is None) == (n_docs is None and k is None) or (n_docs is None) != (k is None):
        raise InvalidArgument(f"{_WHO}: relevance, or n_docs and k, must be given; got {_came(relevance, n_docs, k)}.")
    if relevance is None:
        records, about = _of_subsets(whole(_WHO, "n_docs", n_docs, low=2, high=10**18), k, sets, gaps, bits)
    else:
        records, about = _of_matrix(relevance, min_relevance, gaps, bits, seconds)
    records = [*records, *found]
    records += chained(records)
    return BoundTable((*records, *not_computable()), about, monotonic() - started)


def _came(relevance: object, n_docs: object, k: object) -> str:
    names = [name for name, value in (("relevance", relevance), ("n_docs", n_docs), ("k", k)) if value is not None]
    return ", ".join(names) or "none of them"


def _of_subsets(n: int, k: object, sets: str, gaps: list[float], bits: list[int | None]) -> tuple[list[Bound], dict[str, Any]]:
    size = whole(_WHO, "k", k, low=1, high=n - 1, high_name="n_docs - 1")
    choice(_WHO, "sets", sets, SETS)
    curve = min(size, n - size) if sets == "exactly" else size
    records = [
        dim_exact_subsets(n, size, sets=sets),
        dim_exact_subsets(n, size, sets=sets, norm="unit"),
        sign_rank_exact_subsets(n, size, sets=sets),
        Bound("global_threshold_rank", "upper", 2 * curve, "construction", "global_threshold_rank_upper_curve",
              "documents on a short arc of the trigonometric curve", ("Wang2026", "AlonFranklRodl1985")),
        Bound("dim_euclidean", "upper", 2 * size - 1, "construction", "dim_euclidean_upper_curve",
              "the curve seen from one more point of it", ("Wang2026",)),
        *subset_ceilings(n, size, sets=sets),
    ]  # fmt: skip
    queries, docs = Counted.subsets(n, size), Counted.number(n, "documents, no two of them relevant to the same queries")
    ceiling = float(best(records, "gap_row_wise")[1].value)  # type: ignore[union-attr,arg-type]
    records += [*packing_bounds([queries, docs], gaps, ceiling), *bit_bounds(queries, docs, *bits)]
    return records, {"n_docs": n, "k": size, "sets": sets, "n_sets": count_text(n, size) if sets == "exactly" else _sizes_up_to(n, size)}


def _sizes_up_to(n: int, size: int) -> str:
    """The number of sets of 1 to ``size`` documents; the largest term stands for all where they are too many to add."""
    if min(size, n - size) > 2048:
        return f"more than {count_text(n, size)}"
    total = sum(math.comb(n, k) for k in range(1, size + 1))
    return f"{total:,}" if total < 10**12 else text_of_log10(math.log10(total))


def _of_matrix(
    relevance: RelevanceMatrix, min_relevance: int, gaps: list[float], bits: list[int | None], seconds: float
) -> tuple[list[Bound], dict[str, Any]]:
    clock = Clock(seconds)
    if isinstance(relevance, RelevanceMatrix) and relevance.n_docs == 0:
        raise ShapeError(f"{_WHO}: relevance must have at least one document; got none.")
    work = MatrixWork(SignMatrix.of(relevance, min_relevance=min_relevance))
    part = work.part
    records = exact_bounds(work)
    records += subset_ceilings(part.n_cols, work.all_subsets) if work.all_subsets else []
    quick = [*quick_upper(work), *counting_lower(work)]
    slow = [*order_upper(work), *trace_lower(work), *spectral_lower(work), *ceiling_tasks(work), *rank_tasks(work)]
    records += [task.done(clock, seconds) for task in [*quick, *slow]]
    queries = largest_equal_size(part.sizes)
    docs = Counted.number(part.n_cols, "documents, no two of them relevant to the same queries")
    ceiling = best(records, "gap_row_wise")[1]
    top = 2.0 if ceiling is None or ceiling.value is None else float(ceiling.value)
    records += [*packing_bounds([queries, docs], gaps, top), *bit_bounds(queries, docs, *bits)]
    sizes = sorted(set(part.sizes.tolist()))
    about = {
        "n_docs": relevance.n_docs,
        "n_queries": relevance.n_queries,
        "distinct_docs": part.n_cols,
        "distinct_queries": part.n_rows,
        "constant_queries": int(work.full.n_rows - part.n_rows),
        "k": sizes[0] if len(sizes) == 1 else None,
        "most_relevant": sizes[-1] if sizes else 0,
    }
    return records, about
