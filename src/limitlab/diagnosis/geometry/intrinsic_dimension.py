"""Intrinsic dimension: in how many directions one can move from a document and meet others."""

from __future__ import annotations

import numpy as np

from limitlab.diagnosis.geometry.finding import FINE, LOOK, Finding
from limitlab.diagnosis.geometry.neighbours import Neighbours

FLAT = 3.0  # under it nearly all neighbours lie on a surface
_DISCARDED = 0.1  # of the largest ratios, which a change of density distorts most
_INNER = 10  # the closest neighbour that the maximum likelihood estimate counts from


def two_nearest(distances: np.ndarray) -> tuple[float, float]:
    r"""(dimension, standard error) by TwoNN [Facco2017] from distances to the two nearest neighbours.

    The ratio :math:`\mu` of the two distances has the law :math:`F(\mu) = 1 - \mu^{-d}` wherever density is constant up to the second
    neighbour; :math:`d` is the slope through the origin of :math:`-\log(1 - F)` on :math:`\log \mu`, the largest tenth left out.

    Parameters
    ----------
    distances
        (n, >= 2) ascending; rows whose first distance is 0 (duplicates) are left out.

    Returns
    -------
    NaN where fewer than 10 rows are left.
    """
    usable = distances[distances[:, 0] > 0]
    ratio = np.sort(np.log(usable[:, 1] / usable[:, 0]))
    n = ratio.size
    if n < 10 or not ratio[-1] > 0:
        return float("nan"), float("nan")
    kept = int(n * (1 - _DISCARDED))
    height = -np.log1p(-np.arange(1, kept + 1) / (n + 1))
    slope = float((ratio[:kept] * height).sum() / (ratio[:kept] ** 2).sum())
    return slope, slope / float(np.sqrt(n))


def maximum_likelihood(distances: np.ndarray) -> float:
    r"""Dimension by Levina and Bickel's estimate [LevinaBickel2004], averaged over points and neighbours as inverses [MacKay2005].

    :math:`1/d` is the mean over all points of :math:`\frac{1}{k - 1} \sum_{j<k} \log(T_k / T_j)`, :math:`T_j` the distance to the j-th
    neighbour, for every k from 10 to the last neighbour given.

    Parameters
    ----------
    distances
        (n, k_max) ascending; rows whose first distance is 0 are left out.
    """
    usable = distances[distances[:, 0] > 0]
    most = distances.shape[1]
    if usable.shape[0] < 2 or most < 3:
        return float("nan")
    logs = np.log(usable)
    found = []
    for k in range(min(_INNER, most), most + 1):
        mean = float((logs[:, k - 1 : k] - logs[:, : k - 1]).sum() / (usable.shape[0] * (k - 1)))
        found.append(1 / mean if mean > 0 else float("nan"))
    return float(np.mean(found))


def intrinsic_dimension(found: Neighbours, n_docs: int, dim: int) -> Finding:
    """Both estimates on the sphere of directions, where documents in general position have dim - 1. Look under 3.

    Both fall short in high dimensions, where a corpus has too few documents to show them: they compare corpora and encoders rather than
    measure.
    """
    two, error = two_nearest(found.distances) if found.distances.shape[1] >= 2 else (float("nan"),) * 2
    likely = maximum_likelihood(found.distances)
    sampled = len(found.rows) if len(found.rows) < n_docs else 0
    measured = {"TwoNN": two, "standard error": error, "maximum likelihood": likely}
    values: dict[str, float | int | str | None] = {name: v if np.isfinite(v) else None for name, v in measured.items()}
    if not np.isfinite(two):
        meaning = "Too few documents differ from their nearest neighbours to tell."
        return Finding("intrinsic_dimension", "intrinsic dimension", "not known", values, FINE, meaning, "", sampled)
    likely_words = f" ({likely:.1f} by maximum likelihood)" if np.isfinite(likely) else ""
    return Finding(
        "intrinsic_dimension",
        "intrinsic dimension",
        f"{two:.1f}",
        values,
        LOOK if two < FLAT else FINE,
        f"Around a document others lie as in {two:.1f} dimensions{likely_words}, of the {dim - 1:,} that unit vectors have.",
        "Documents lie on a line or surface, so few of them can be told apart: check for templates and repeated texts."
        if two < FLAT
        else "",
        sampled,
    )
