"""Harmonic frames: documents on a torus, all alike under shifts, so that a few classes of sets stand for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument, RangeError, ShapeError


@dataclass(frozen=True)
class HarmonicFrame:
    r"""``n_docs`` unit documents in ``2 m`` dimensions, one frequency for each pair of coordinates.

    Document ``j`` is ``(w_f cos(2 pi f j / n), w_f sin(2 pi f j / n))`` over the frequencies ``f``, with
    ``w_f**2 = weights_f / sum(weights)``. Shifting all documents by one is a rotation of the space: a query for
    ``{i, i + D}`` is a rotated query for ``{0, D}``.

    Attributes
    ----------
    n_docs
        >= 3.
    frequencies
        m whole numbers in [1, n_docs - 1].
    weights
        m whole numbers >= 1 (squared weights up to a common factor); None: all equal.

    Raises
    ------
    RangeError, InvalidArgument
        A number is outside its range, or there is not one weight a frequency.

    References
    ----------
    [Wang2026]

    Examples
    --------
    >>> frame = HarmonicFrame(97, (1, 35, 36))
    >>> frame.docs().shape
    (97, 6)
    >>> round(frame.gap([0, 3]), 4)
    0.0128
    """

    n_docs: int
    frequencies: tuple[int, ...]
    weights: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        who = "HarmonicFrame()"
        n = whole(who, "n_docs", self.n_docs, low=3, high=2**25 - 1)
        frequencies = tuple(whole(who, "frequencies", f, low=1, high=n - 1, high_name="n_docs - 1") for f in self.frequencies)
        if not frequencies:
            raise InvalidArgument(f"{who}: at least one frequency is needed; got none.")
        weights = (1,) * len(frequencies) if self.weights is None else tuple(whole(who, "weights", p, low=1) for p in self.weights)
        if len(weights) != len(frequencies):
            raise InvalidArgument(
                f"{who}: there must be one weight per frequency; got {len(weights)} weights, {len(frequencies)} frequencies."
            )
        object.__setattr__(self, "frequencies", frequencies)
        object.__setattr__(self, "weights", weights)

    @property
    def dim(self) -> int:
        """Two dimensions a frequency."""
        return 2 * len(self.frequencies)

    def docs(self, *, dtype: str = "float64", dim: int | None = None) -> np.ndarray:
        """The documents, shape (n_docs, dim), unit rows up to rounding; ``dim`` beyond the frame's own pads with zeros.

        Raises
        ------
        RangeError
            ``dim`` is smaller than the frame's own.
        """
        dim = self.dim if dim is None else whole("HarmonicFrame.docs()", "dim", dim, low=self.dim)
        assert self.weights is not None  # set in __post_init__
        total = sum(self.weights)
        out = np.zeros((self.n_docs, dim), dtype)
        j = np.arange(self.n_docs)
        for i, (f, p) in enumerate(zip(self.frequencies, self.weights)):
            angle = (2 * np.pi / self.n_docs) * np.mod(f * j, self.n_docs)
            out[:, 2 * i] = math.sqrt(p / total) * np.cos(angle)
            out[:, 2 * i + 1] = math.sqrt(p / total) * np.sin(angle)
        return out

    def queries(self, sets: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """Max-margin unit queries of sets of documents: shape (n_sets, dim), float64.

        Raises
        ------
        ShapeError
            ``sets`` is not a table of document numbers, one set a row.
        """
        table = np.asarray(sets)
        if table.ndim != 2 or table.dtype.kind not in "iu":
            raise ShapeError(
                f"HarmonicFrame.queries(): sets must have shape (n_sets, k) and hold document numbers; got shape {table.shape}."
            )
        from limitlab.search import separate  # compiled kernels, which certificates do not need

        return separate(self.docs(), table).queries

    def gap(self, members: Sequence[int]) -> float:
        """The greatest gap that a unit query attains on one set; 0 or less when none separates it."""
        from limitlab.search import separate

        return float(separate(self.docs(), np.asarray([members])).gaps[0])


def trig_frame(n_docs: int, k: int = 2) -> HarmonicFrame:
    """The trigonometric moment curve: frequencies 1 .. k, every k-subset exactly on top in 2 k dimensions.

    For k = 2 the squared weights are 4 : 1, the best for large n (gap 467.6 n**-4); for others they are equal.

    Raises
    ------
    RangeError
        n_docs < 2 k + 1.

    References
    ----------
    [AlonFranklRodl1985], [Wang2026]
    """
    k = whole("trig_frame()", "k", k, low=1)
    if n_docs < 2 * k + 1:
        raise RangeError.of("trig_frame()", "n_docs", f"at least 2 k + 1 = {2 * k + 1}", n_docs=n_docs)
    return HarmonicFrame(n_docs, tuple(range(1, k + 1)), (4, 1) if k == 2 else None)
