r"""The dimension that all k-subsets of n documents need, exactly, for every n and k.

One argument gives every case. Documents x_1..x_n whose affine span has dimension e have a space L of affine dependencies
(sum l_i = 0, sum l_i x_i = 0) of dimension c = n - 1 - e. A set S cannot be cut off by a hyperplane exactly when some l != 0 in L
is >= 0 on S and <= 0 elsewhere [Radon1921]. With P and N the numbers of positive and negative entries, *all* sets of k <= n / 2
documents can be cut off exactly when every l != 0 in L has

    (P > k and N > k)  or  P > n - k  or  N > n - k.

The three conditions are open and exclude each other, and the last two change places under l -> -l. For c >= 2 the sphere of L is
connected, so the first one holds throughout; a dependency with c - 1 zeros then shows 2k + 2 <= n - c + 1, that is e >= 2k. So
fewer than 2k dimensions are possible only with c <= 1, that is e >= n - 2. What remains is c = 1, one dependency, and c = 0,
the simplex.
"""

from __future__ import annotations

from limitlab._core.checks import choice, whole
from limitlab.theory.bound import Bound

SETS = ("exactly", "at most")
NORMS = ("any", "unit")


def dim_exact_subsets(n_docs: int, k: int, *, sets: str = "exactly", norm: str = "any") -> Bound:
    r"""Least dimension in which every k-subset of n documents has a query that scores it above all others.

    With every query its own threshold (top-k search). Let h = min(k, n - k); turning a query around exchanges a set and
    its complement.

    ==================  ==========================================================
    sets, norm          least dimension
    ==================  ==========================================================
    at most, any        min(2k, n - 1), also for unit norm
    exactly, any        min(2h, n - 2) for h >= 2; min(2, n - 1) for h = 1
    exactly, unit       min(2h, n - 2) for h >= 3; min(2h, n - 1) for h = 1, 2
    ==================  ==========================================================

    Upper bounds: the trigonometric moment curve (2k), the simplex (n - 1), a simplex and its centre (n - 2: one dependency
    with one entry against n - 1), a simplex and two poles (n - 2, unit: two against n - 2). On the sphere no document is in the hull of
    others, so no dependency has a single positive entry.

    Parameters
    ----------
    n_docs, k
        1 <= k <= n_docs.
    sets
        "exactly": all sets of k documents. "at most": all sets of 1 to k documents.
    norm
        "any": documents of any length. "unit": cosine similarity.

    Returns
    -------
    Bound with direction "exact". 0 when k = n_docs and only that set is asked: there is nothing to separate.

    Raises
    ------
    RangeError, UnknownName
        k is outside [1, n_docs]; ``sets`` or ``norm`` is not one of the above.

    References
    ----------
    At most k: [Wang2026]. Exactly k: docs/concepts/bounds.md. Curve: [AlonFranklRodl1985], [Wang2026]. Dependencies: [Radon1921].

    Examples
    --------
    >>> dim_exact_subsets(46, 2).value, dim_exact_subsets(5, 2).value, dim_exact_subsets(5, 2, norm="unit").value
    (4, 3, 4)
    """
    who = "dim_exact_subsets()"
    n = whole(who, "n_docs", n_docs, low=1, high=10**18)
    k = whole(who, "k", k, low=1, high=n, high_name="n_docs")
    choice(who, "sets", sets, SETS)
    choice(who, "norm", norm, NORMS)
    if sets == "at most":
        value = min(2 * k, n - 1)
        cited: tuple[str, ...] = ("Wang2026", "Radon1921")
    else:
        value = _exactly(n, min(k, n - k), norm)
        cited = ("Radon1921", "AlonFranklRodl1985", "Wang2026")
    assumptions = f"all sets of {sets} {k} of {n:,} documents; a threshold for every query; {'unit' if norm == 'unit' else 'any'} norm"
    return Bound("dim_cosine" if norm == "unit" else "dim", "exact", value, "theorem", "dim_exact_subsets", assumptions, cited)


def sign_rank_exact_subsets(n_docs: int, k: int, *, sets: str = "exactly") -> Bound:
    """Sign rank of the matrix of all k-subsets: min(2h + 1, n - 1) with h = min(k, n - k), or k in its place for "at most".

    The argument of ``dim_exact_subsets`` with linear dependencies: n vectors with one, all of whose entries are positive, show
    n - 1.

    Parameters
    ----------
    n_docs, k
        1 <= k <= n_docs.
    sets
        "exactly" or "at most" (sets of 1 to k documents).

    Returns
    -------
    Bound with direction "exact". 1 when one document or one set is all there is.

    References
    ----------
    Upper bound: [AlonMoranYehudayoff2016]. Exact value: docs/concepts/bounds.md.
    """
    who = "sign_rank_exact_subsets()"
    n = whole(who, "n_docs", n_docs, low=1, high=10**18)
    k = whole(who, "k", k, low=1, high=n, high_name="n_docs")
    choice(who, "sets", sets, SETS)
    value = _sign_rank(n, k, sets)
    cited = ("Radon1921", "AlonMoranYehudayoff2016")
    assumptions = f"all sets of {sets} {k} of {n:,} documents; threshold 0 for all queries"
    return Bound("sign_rank", "exact", value, "theorem", "sign_rank_exact_subsets", assumptions, cited)


def _exactly(n: int, half: int, norm: str) -> int:
    if half == 0:
        return 0
    centre = half >= (3 if norm == "unit" else 2)  # n - 2 dimensions suffice: one dependency, 2 against n - 2, or 1 against n - 1
    return min(2 * half, n - 2 if centre else n - 1)


def _sign_rank(n: int, k: int, sets: str) -> int:
    if n == 1:
        return 1
    if sets == "exactly":
        half = min(k, n - k)
        return 1 if half == 0 else min(2 * half + 1, n - 1)
    if k == n:  # the full set is a constant row: the dependency with only positive entries is ruled out
        return n
    return min(2 * k + 1, n - 1)
