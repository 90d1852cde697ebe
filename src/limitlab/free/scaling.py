"""Polynomial fits of critical n against the dimension, and how little an extrapolation of one can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.polynomial.chebyshev import chebvander

from limitlab._core.checks import real, whole
from limitlab._core.errors import RangeError, ShapeError
from limitlab._core.seeds import derived

SCHEMA = "limitlab.scaling/1"
EXTRAPOLATED = (512, 768, 1024, 3072, 4096)
PUBLISHED_COEFFICIENTS = (-10.5322, 4.0309, 0.0520, 0.0037)
"""Of 1, d, d^2, d^3, as printed [Weller2025, section 4], over d = 4..45."""
PUBLISHED_R_SQUARED = 0.99858
DROPPED = range(7)


@dataclass(frozen=True)
class Extrapolation:
    """The fit at one dimension outside the data.

    Attributes
    ----------
    value
        The polynomial there: documents, not rounded, and negative where the polynomial bends down.
    low, high
        95 % interval of the bootstrap over points (dimensions, and the seeds of each, drawn with replacement). It answers "which
        points were measured", and takes the polynomial for true.
    residual_low, residual_high
        95 % interval of the bootstrap over residuals, dimensions fixed.
    least_variant, greatest_variant
        Least and greatest value among ``ScalingFit.variants``: what another equally good polynomial says.
    """

    dim: int
    value: float
    low: float
    high: float
    residual_low: float
    residual_high: float
    least_variant: float
    greatest_variant: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Variant:
    """The same points with the last ``dropped`` dimensions left out, or another degree.

    Attributes
    ----------
    values
        At the dimensions of ``ScalingFit.extrapolations``.
    """

    degree: int
    dropped: int
    last_dim: int
    r_squared: float
    values: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "values": list(self.values)}


@dataclass(frozen=True)
class ScalingFit:
    """A polynomial of critical n in the dimension: a summary of measurements, no theorem.

    Attributes
    ----------
    coefficients
        Of 1, d, d^2, ...
    r_squared
        Share of the variance of the (median) critical n that the polynomial explains.
    dims, medians, n_seeds
        The points fitted: distinct dimensions ascending, the median over seeds at each, and the number of seeds at each.
    extrapolations, variants
        At the dimensions asked for; refits with the last 0 to 6 dimensions left out, of one degree less and more.
    """

    degree: int
    coefficients: tuple[float, ...]
    r_squared: float
    dims: tuple[int, ...]
    medians: tuple[float, ...]
    n_seeds: tuple[int, ...]
    extrapolations: tuple[Extrapolation, ...]
    variants: tuple[Variant, ...]
    n_resamples: int
    seed: int

    @cached_property
    def _polynomial(self) -> Polynomial:
        return Polynomial(self.coefficients)

    def predict(self, dim: float) -> float:
        """The polynomial at a dimension."""
        return float(self._polynomial(real("ScalingFit.predict()", "dim", dim)))

    def at(self, dim: int) -> Extrapolation:
        """The extrapolation at one of the dimensions asked for."""
        for e in self.extrapolations:
            if e.dim == dim:
                return e
        raise RangeError.of("ScalingFit.at()", "dim", f"one of {', '.join(str(e.dim) for e in self.extrapolations)}", dim=dim)

    def variant(self, *, degree: int, dropped: int) -> Variant:
        """One refit."""
        for v in self.variants:
            if (v.degree, v.dropped) == (degree, dropped):
                return v
        raise RangeError.of("ScalingFit.variant()", "degree and dropped", "those of a refit", degree=degree, dropped=dropped)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        tables = {"extrapolations": [e.to_dict() for e in self.extrapolations], "variants": [v.to_dict() for v in self.variants]}
        names = ("degree", "coefficients", "r_squared", "dims", "medians", "n_seeds", "n_resamples", "seed")
        return {"schema": SCHEMA, **{n: getattr(self, n) for n in names}, **tables}


def fit_critical_n(
    points: Iterable[tuple[int, float]],
    *,
    degree: int = 3,
    dims: Sequence[int] = EXTRAPOLATED,
    n_resamples: int = 2_000,
    seed: int = 0,
) -> ScalingFit:
    """Least-squares polynomial of critical n, with everything that shows how far an extrapolation may be off.

    The fit goes through the median over seeds of every dimension, each with the same weight. It is computed by QR on
    Chebyshev polynomials over the range of the data and converted to powers of d afterwards.

    Parameters
    ----------
    points
        (dimension, critical n) pairs; several pairs of one dimension are its seeds. At least ``degree + 3`` dimensions.
    degree
        1 to 6.
    dims
        Where to extrapolate.
    n_resamples, seed
        Of each bootstrap; the same seed gives the same intervals.

    Raises
    ------
    ShapeError
        A point is not a pair of finite numbers.
    RangeError
        Too few dimensions for the degree.

    References
    ----------
    [Weller2025], [Efron1993]

    Examples
    --------
    >>> from limitlab.published import critical_n_table
    >>> fit = fit_critical_n(critical_n_table(), n_resamples=100)
    >>> [round(c, 4) for c in fit.coefficients], round(fit.r_squared, 5)
    ([-10.5322, 4.0309, 0.052, 0.0037], 0.99858)
    """
    who = "fit_critical_n()"
    degree = whole(who, "degree", degree, low=1, high=6)
    n_resamples = whole(who, "n_resamples", n_resamples, low=1, high=1_000_000)
    wanted = tuple(whole(who, "dims", d, low=1) for d in dims)
    groups = _groups(who, points)
    x = np.array(sorted(groups), np.float64)
    if x.size < degree + 3:
        raise RangeError(f"{who}: points must have at least degree + 3 = {degree + 3} distinct dimensions; got {x.size}.")
    seeds = [np.array(groups[int(d)], np.float64) for d in x]
    y = np.array([np.median(s) for s in seeds])
    frame = _Frame(x, np.array(wanted, np.float64))
    coefficients, r_squared = frame.fit(x, y, degree)
    variants = _variants(frame, x, y, degree)
    values = frame.extrapolated(coefficients)
    pairs = _interval(frame.pair_bootstrap(seeds, degree, n_resamples, seed))
    residuals = _interval(frame.residual_bootstrap(y, degree, n_resamples, seed))
    refits = np.array([v.values for v in variants])
    table = np.stack([values, *pairs, *residuals, refits.min(axis=0), refits.max(axis=0)])
    extrapolations = tuple(Extrapolation(d, *column) for d, column in zip(wanted, table.T.tolist()))
    return ScalingFit(
        degree,
        tuple(float(c) for c in frame.powers(coefficients)),
        r_squared,
        tuple(int(d) for d in x),
        tuple(float(v) for v in y),
        tuple(s.size for s in seeds),
        extrapolations,
        variants,
        n_resamples,
        seed,
    )


class _Frame:
    """Chebyshev basis over the range of the data: well conditioned there, whatever the dimensions."""

    def __init__(self, x: np.ndarray, beyond: np.ndarray) -> None:
        self.x = x
        self.domain = [float(x[0]), float(x[-1])]
        self.beyond = self._inside(beyond)

    def _inside(self, x: np.ndarray) -> np.ndarray:
        low, high = self.domain
        return (2 * x - low - high) / (high - low)

    def fit(self, x: np.ndarray, y: np.ndarray, degree: int) -> tuple[np.ndarray, float]:
        """Chebyshev coefficients and R^2."""
        basis = chebvander(self._inside(x), degree)
        coefficients = np.linalg.lstsq(basis, y, rcond=None)[0]
        residual, spread = y - basis @ coefficients, y - y.mean()
        total = float(spread @ spread)
        return coefficients, 1 - float(residual @ residual) / total if total > 0 else 1.0

    def extrapolated(self, coefficients: np.ndarray) -> np.ndarray:
        """Values beyond the data, for one or many sets of coefficients (..., degree + 1)."""
        return coefficients @ chebvander(self.beyond, coefficients.shape[-1] - 1).T

    def powers(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients of 1, d, d^2, ..."""
        powers = Chebyshev(coefficients, domain=self.domain).convert(kind=Polynomial).coef
        return np.pad(powers, (0, coefficients.size - powers.size))

    def pair_bootstrap(self, seeds: Sequence[np.ndarray], degree: int, n: int, seed: int) -> np.ndarray:
        """(n, extrapolations): dimensions drawn with replacement, and at each drawn one its seeds."""
        rng, m = derived(seed, "critical n", "pairs"), len(seeds)
        drawn = rng.integers(m, size=(n, m))
        while True:  # a draw must determine the polynomial: at least one dimension more than coefficients
            distinct = (np.diff(np.sort(drawn, axis=1), axis=1) > 0).sum(axis=1) + 1
            poor = np.flatnonzero(distinct < degree + 2)
            if not poor.size:
                break
            drawn[poor] = rng.integers(m, size=(poor.size, m))
        y = np.empty((n, m))
        for i, group in enumerate(seeds):
            at = np.nonzero(drawn == i)
            again = group[rng.integers(group.size, size=(at[0].size, group.size))]
            y[at] = np.median(again, axis=1)
        q, r = np.linalg.qr(chebvander(self._inside(self.x), degree)[drawn])  # (n, m, p), (n, p, p)
        return self.extrapolated(np.linalg.solve(r, np.einsum("nmp,nm->np", q, y)[..., None])[..., 0])

    def residual_bootstrap(self, y: np.ndarray, degree: int, n: int, seed: int) -> np.ndarray:
        """(n, extrapolations): residuals drawn with replacement, inflated to the error's own variance."""
        basis = chebvander(self._inside(self.x), degree)
        coefficients = np.linalg.lstsq(basis, y, rcond=None)[0]
        fitted = basis @ coefficients
        residual = (y - fitted) * np.sqrt(y.size / (y.size - degree - 1))
        rng = derived(seed, "critical n", "residuals")
        again = fitted + residual[rng.integers(y.size, size=(n, y.size))]
        return self.extrapolated(np.linalg.lstsq(basis, again.T, rcond=None)[0].T)


def _groups(who: str, points: Iterable[tuple[int, float]]) -> dict[int, list[float]]:
    groups: dict[int, list[float]] = {}
    for point in points:
        try:
            dim, value = point
        except (TypeError, ValueError):
            raise ShapeError(f"{who}: points must be (dimension, critical n) pairs; got {point!r}.") from None
        groups.setdefault(whole(who, "dimension", dim, low=1), []).append(real(who, "critical n", value, low=0.0))
    return groups


def _variants(frame: _Frame, x: np.ndarray, y: np.ndarray, degree: int) -> tuple[Variant, ...]:
    found = []
    for other in (degree - 1, degree, degree + 1):
        for dropped in DROPPED:
            kept = x.size - dropped
            if other < 1 or kept < other + 3:
                continue
            coefficients, r_squared = frame.fit(x[:kept], y[:kept], other)
            values = tuple(float(v) for v in frame.extrapolated(coefficients))
            found.append(Variant(other, dropped, int(x[kept - 1]), r_squared, values))
    return tuple(found)


def _interval(samples: np.ndarray) -> np.ndarray:
    """(2, extrapolations): the middle 95 %."""
    return np.percentile(samples, [2.5, 97.5], axis=0)
