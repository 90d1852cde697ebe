"""Single dimensions: those that never change, and the few that dominate every score."""

from __future__ import annotations

import numpy as np

from limitlab.diagnosis.geometry.finding import FINE, Finding, graded
from limitlab.diagnosis.geometry.moments import Moments

DEAD = 1e-10  # variance over the mean variance of all dimensions
TIMES = 10.0  # a dimension is dominant from this many times the mean share of the squared length
LOOK, PROBLEM = 0.2, 0.5  # share of the squared length in dominant dimensions


def dead_dimensions(found: Moments) -> Finding:
    """Dimensions whose variance is under 1e-10 of the mean variance: in effect the same value for every document.

    Look from the first one, problem from a tenth of all.
    """
    variance = np.maximum(np.diag(found.covariance), 0.0)
    noise = 1e-13 * found.mean**2  # rounding of the sums leaves a constant value with about this much
    dead = np.flatnonzero(variance <= DEAD * variance.mean() + noise) if variance.mean() > 0 else np.arange(variance.size)
    share = dead.size / variance.size
    first = ", ".join(str(int(d)) for d in dead[:5]) + (", ..." if dead.size > 5 else "")
    return Finding(
        "dead_dimensions",
        "constant dimensions",
        f"{dead.size:,} of {variance.size:,}",
        {"dimensions": int(dead.size), "first": first},
        graded(share, look=1 / variance.size, problem=0.1) if dead.size else FINE,
        "Every dimension differs between documents."
        if not dead.size
        else f"{dead.size:,} dimensions do not vary between documents: {first}.",
        "" if not dead.size else "They cannot tell documents apart: look for padding or a broken layer, and leave them out.",
        found.sampled,
    )


def dominant_dimensions(found: Moments) -> Finding:
    """Dimensions with at least 10 times the mean share of the squared length [TimkeyVanSchijndel2021].

    Look where they hold 20 % of it together, problem from 50 %.
    """
    squares = np.diag(found.second)
    shares = squares / squares.sum() if squares.sum() > 0 else np.zeros(squares.size)
    large = np.flatnonzero(shares >= TIMES / shares.size)
    large = large[np.argsort(-shares[large], kind="stable")]
    held = float(shares[large].sum())
    first = ", ".join(f"{int(d)} ({100 * shares[d]:.1f} %)" for d in large[:3])
    status = graded(held, look=LOOK, problem=PROBLEM)
    return Finding(
        "dominant_dimensions",
        "dominant dimensions",
        f"{large.size:,} hold {100 * held:.0f} %" if large.size else "none",
        {"dimensions": int(large.size), "share of the squared length": held, "largest share": float(shares.max()), "first": first},
        status,
        f"No dimension has {TIMES:.0f} times its share of the squared length."
        if not large.size
        else f"{large.size:,} of {shares.size:,} dimensions hold {100 * held:.0f} % of the squared length: {first}.",
        ""
        if status == FINE
        else "Scores follow a few values, and int8 wastes its range on them: standardise dimensions or rotate before quantising.",
        found.sampled,
    )
