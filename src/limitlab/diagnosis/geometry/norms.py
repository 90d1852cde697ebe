"""Lengths of the vectors as they were given, and signs that they were cut without being scaled again."""

from __future__ import annotations

import numpy as np

from limitlab.diagnosis.geometry.finding import FINE, LOOK, PROBLEM, Finding, graded, percent

_ROWS = 8192
UNIT = 1e-3  # lengths so near 1 count as 1: wider than float16's rounding of unit vectors
LONG_LOOK, LONG_PROBLEM = 0.1, 0.5  # standard deviation over mean, for dot products
CUT_VARIES = 0.002  # the same, from which lengths under 1 are no constant factor


def lengths(rows: np.ndarray) -> np.ndarray:
    """(n,) float64 lengths, in blocks."""
    blocks = (np.asarray(rows[at : at + _ROWS]) for at in range(0, len(rows), _ROWS))
    return np.concatenate([np.sqrt(np.einsum("ij,ij->i", b, b, dtype=np.float64)) for b in blocks])


def looks_cut(values: np.ndarray) -> bool:
    """Whether lengths look like those of unit vectors that lost some of their values.

    A part of a unit vector is never longer than 1 and loses a share that differs from vector to vector. The rule: no length above
    1.001, median between 0.05 and 0.999, and a standard deviation of at least 0.2 % of the mean (which a constant factor does not have).
    """
    middle = float(np.median(values))
    return bool(values.max() <= 1 + UNIT and 0.05 <= middle <= 1 - UNIT and values.std() >= CUT_VARIES * values.mean())


def norms(values: np.ndarray, *, matters: bool, what: str = "documents") -> Finding:
    """Lengths before any scaling. Where they matter (documents compared by dot products) look from a variation of 10 %, problem from 50 %.

    Parameters
    ----------
    values
        (n,) from ``lengths``.
    matters
        Whether they change a ranking: not under cosine, and never those of queries.
    """
    off = float((np.abs(values - 1) > UNIT).mean())
    varies = float(values.std() / values.mean()) if values.mean() > 0 else 0.0
    status = graded(varies, look=LONG_LOOK, problem=LONG_PROBLEM) if matters else FINE
    span = f"from {values.min():.4g} to {values.max():.4g}, variation {100 * varies:.2g} %"
    meaning = f"{percent(off)} of the {what} have a length other than 1 ({span})"
    return Finding(
        f"norms_{what}",
        f"lengths of {what}",
        "all 1" if off == 0 else f"{values.min():.4g} to {values.max():.4g}",
        {
            "share not 1": off,
            "least": float(values.min()),
            "median": float(np.median(values)),
            "mean": float(values.mean()),
            "greatest": float(values.max()),
            "variation": varies,
        },
        status,
        meaning + ("; they change no ranking." if off and not matters else "."),
        ""
        if status == FINE
        else "Long vectors win in dot products whatever the query: check that the model is meant for dot products, or scale to length 1.",
    )


def cut_vectors(values: np.ndarray, *, cosine: bool) -> Finding:
    """See ``looks_cut``. Look for cosine, which scales them again; problem for dot products."""
    middle = float(np.median(values))
    if not looks_cut(values):
        return Finding(
            "cut_vectors",
            "cut without scaling",
            "no sign of it",
            {"median length": middle},
            FINE,
            "Lengths are not those of parts of unit vectors.",
        )
    kept = float((values**2).mean())
    return Finding(
        "cut_vectors",
        "cut without scaling",
        f"median length {middle:.3f}",
        {"median length": middle, "share of the squared length kept": kept},
        LOOK if cosine else PROBLEM,
        f"Lengths are below 1 and vary, as when unit vectors lose dimensions: {percent(kept)} of their squared length is left.",
        "If they were cut, scale them to length 1 again."
        if not cosine
        else "If they were cut on purpose, scale them where they are served by dot products.",
    )


def broken_rows(values: np.ndarray) -> Finding:
    """Rows that are zero or hold NaN; vectors with such rows are refused, so a finding of it counts none."""
    count = int((~np.isfinite(values) | (values == 0)).sum())
    return Finding(
        "broken_rows",
        "zero or NaN vectors",
        f"{count:,}",
        {"documents": count},
        PROBLEM if count else FINE,
        f"{count:,} of {len(values):,} documents have no direction.",
        "Encode them again." if count else "",
    )
