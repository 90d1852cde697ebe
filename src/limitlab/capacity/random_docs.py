"""Random documents: directions drawn without looking at the sets, queries solved or summed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.seeds import derived
from limitlab.capacity.sets import Sets, set_table
from limitlab.search import separate


@dataclass(frozen=True)
class RandomDocs:
    r"""``n_docs`` random unit documents in ``dim`` dimensions: normal directions, or random signs over ``sqrt(dim)``.

    Measurement, not theorem: with max-margin queries every sampled k-subset was on top from about ``dim = 2.0 to 2.6 k
    ln(n / k)`` on; the sum query needs more. For normal vectors before they are scaled to unit length there is a theorem about
    large sizes: all k-subsets are faces of their hull, which is sufficient, for dim above ``2 e k ln(n / dim)`` [DonohoTanner2009].

    Attributes
    ----------
    n_docs, dim
        >= 2, >= 1.
    values
        "normal" or "signs" (one bit a dimension).
    seed
        The same seed gives the same documents.

    References
    ----------
    [DonohoTanner2009]

    Examples
    --------
    >>> docs = RandomDocs(46, 16)
    >>> bool(separate(docs.docs(), [[0, 1], [7, 9]]).separable.all())
    True
    """

    n_docs: int
    dim: int
    values: str = "normal"
    seed: int = 0

    def __post_init__(self) -> None:
        whole("RandomDocs()", "n_docs", self.n_docs, low=2)
        whole("RandomDocs()", "dim", self.dim, low=1)
        whole("RandomDocs()", "seed", self.seed, low=0)
        choice("RandomDocs()", "values", self.values, ("normal", "signs"))

    def docs(self) -> np.ndarray:
        """(n_docs, dim) float64, unit rows."""
        rng = derived(self.seed, "random documents", self.values)
        if self.values == "signs":
            return (2.0 * rng.integers(0, 2, (self.n_docs, self.dim)) - 1) / np.sqrt(self.dim)
        drawn = rng.standard_normal((self.n_docs, self.dim))
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    def queries(self, sets: Sets, *, rule: str = "max-margin") -> np.ndarray:
        """(n_sets, dim) float64 unit queries: "max-margin" (zero rows where none separates the set) or "sum" of the documents."""
        choice("RandomDocs.queries()", "rule", rule, ("max-margin", "sum"))
        table = set_table("RandomDocs.queries()", sets, self.n_docs)
        docs = self.docs()
        if rule == "max-margin":
            return separate(docs, table).queries
        sums = docs[table].sum(axis=1)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        return sums / np.where(norms > 0, norms, 1)
