"""Anisotropy: whether all vectors point the same way."""

from __future__ import annotations

import numpy as np

from limitlab.diagnosis.geometry.finding import FINE, Finding, graded
from limitlab.diagnosis.geometry.moments import Moments

LOOK, PROBLEM = 0.5, 0.9  # mean cosine of two documents


def anisotropy(found: Moments) -> Finding:
    """Mean and standard deviation of the cosine of two different documents, exact over all pairs of the rows looked at.

    With unit rows the sum of all cosines is the squared length of the sum of the rows, and the sum of their squares the squared Frobenius
    norm of their Gram matrix. Look from a mean of 0.5, problem from 0.9 [Ethayarajh2019].
    """
    n = found.n
    length = float(np.sqrt((found.unit_mean**2).sum()))
    mean = (n * n * length**2 - n) / (n * (n - 1)) if n > 1 else 1.0
    square = (n * n * found.unit_square - n) / (n * (n - 1)) if n > 1 else 1.0
    deviation = float(np.sqrt(max(0.0, square - mean**2)))
    status = graded(mean, look=LOOK, problem=PROBLEM)
    dim = found.mean.size
    return Finding(
        "anisotropy",
        "common direction",
        f"mean cosine {mean:.3f}",
        {"mean cosine": mean, "standard deviation": deviation, "length of the mean": length, "of directions at random": dim**-0.5},
        status,
        f"Two documents have a cosine of {mean:.3f} ± {deviation:.3f}; directions at random would have 0 ± {dim**-0.5:.3f}.",
        ""
        if status == FINE
        else "Scores share a constant, which costs precision in narrow types: subtract the mean vector from documents before quantising.",
        found.sampled,
    )
