"""Effective rank: how many dimensions the documents really use."""

from __future__ import annotations

import numpy as np

from limitlab.diagnosis.geometry.finding import FINE, LOOK, PROBLEM, Finding
from limitlab.diagnosis.geometry.moments import Moments

SMALL = 0.1  # effective rank over the largest possible one
UNUSED = 1e-10  # of the largest eigenvalue: a direction that no document uses


def effective_rank(found: Moments) -> Finding:
    r"""Entropy of the variances of the principal directions, as a number of dimensions.

    Of the eigenvalues :math:`\lambda_i` of the covariance: the exponential of the entropy of :math:`\lambda_i / \sum \lambda`
    [RoyVetterli2007], the participation ratio :math:`(\sum \lambda)^2 / \sum \lambda^2`, and the directions that hold 90 % and 99 % of
    the variance.

    Look where the effective rank is under a tenth of the largest possible one, min(dim, n - 1); problem where directions are not used
    at all (eigenvalue under 1e-10 of the largest) though there are documents enough to use them.
    """
    values = found.eigenvalues
    dim, possible = values.size, max(1, min(values.size, found.n - 1))
    total = float(values.sum())
    shares = values / total if total > 0 else np.zeros(dim)
    positive = shares[shares > 0]
    rank = float(np.exp(-(positive * np.log(positive)).sum())) if positive.size else 0.0
    ratio = float(1 / (shares**2).sum()) if total > 0 else 0.0
    running = np.cumsum(shares)
    ninety, most = (min(int(np.searchsorted(running, share)) + 1, dim) for share in (0.9, 0.99))
    used = int((values > UNUSED * values[0]).sum()) if total > 0 else 0
    status = PROBLEM if used < possible and found.n > 2 * dim else LOOK if rank < SMALL * possible else FINE
    advice = {
        FINE: "",
        LOOK: f"A projection on the first {most:,} principal directions would keep 99 % of the variance: width is not what is short.",
        PROBLEM: f"{dim - used:,} directions carry nothing: check for padded, copied or masked dimensions, or store {used:,}.",
    }[status]
    return Finding(
        "effective_rank",
        "dimensions used",
        f"{rank:.1f} of {dim:,}",
        {
            "effective rank": rank,
            "participation ratio": ratio,
            "directions for 90 % of the variance": ninety,
            "directions for 99 % of the variance": most,
            "directions used": used,
        },
        status,
        f"The documents spread like {rank:.0f} equally used dimensions; {ninety:,} directions hold 90 % of the variance, {most:,} hold 99 %.",
        advice,
        found.sampled,
    )
