"""Bag of random attribute vectors: what relevance by single attributes needs when nothing is learned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import real, whole
from limitlab._core.errors import RangeError
from limitlab._core.seeds import derived
from limitlab.relevance import RelevanceMatrix


@dataclass(frozen=True)
class AttributeSums:
    r"""One N(0, I / dim) vector an attribute; a document is the sum of those it has, a query is the vector of the one it asks.

    Every query asks an attribute of its own, which its relevant documents have; documents are filled to
    ``attributes_per_doc`` with attributes that nobody asks and no two share. Scores are not normalised.

    Measurement: recall is random. ``predicted_recall`` treats scores as independent and normal; it met published and own
    LIMIT numbers within a few points.

    Attributes
    ----------
    relevance
        Rows ask, columns have; grades >= 1 count.
    dim
        >= 1.
    attributes_per_doc
        L; at least what the busiest document needs.
    seed
        Of the vectors.

    References
    ----------
    [Wang2026]

    Examples
    --------
    >>> from limitlab.relevance import dense
    >>> sums = AttributeSums(dense(46, 1000), 1024)
    >>> sums.docs().shape, sums.queries().shape, round(sums.predicted_recall(cut=2), 3)
    ((46, 1024), (1000, 1024), 0.989)
    """

    relevance: RelevanceMatrix
    dim: int
    attributes_per_doc: int = 45
    seed: int = 0

    def __post_init__(self) -> None:
        who = "AttributeSums()"
        whole(who, "dim", self.dim, low=1)
        whole(who, "seed", self.seed, low=0)
        asked = self._asked()
        if whole(who, "attributes_per_doc", self.attributes_per_doc, low=1) < asked.max(initial=0):
            raise RangeError.of(
                who,
                "attributes_per_doc",
                f"at least {asked.max()}, what document {self.relevance.doc_ids[int(asked.argmax())]!r} is asked for",
                attributes_per_doc=self.attributes_per_doc,
            )

    def queries(self) -> np.ndarray:
        """(n_queries, dim) float64."""
        return derived(self.seed, "attributes").standard_normal((self.relevance.n_queries, self.dim)) / math.sqrt(self.dim)

    def docs(self) -> np.ndarray:
        """(n_docs, dim) float64."""
        # The sum of f vectors that occur nowhere else is one normal vector of variance f / dim.
        filled = np.sqrt((self.attributes_per_doc - self._asked()) / self.dim)
        filler = derived(self.seed, "filling attributes").standard_normal((self.relevance.n_docs, self.dim))
        return np.asarray(self.relevance.binary().to_csr().T @ self.queries() + filled[:, None] * filler)

    def predicted_recall(self, *, cut: int) -> float:
        """Expected recall at ``cut``, for relevance with the same number of documents a query.

        Raises
        ------
        RangeError
            Queries have different numbers of relevant documents.
        """
        from limitlab.retrieval import predicted_recall  # loads what encoders need

        sizes = np.unique(self.relevance.relevant_counts())
        if sizes.size != 1:
            raise RangeError(
                f"AttributeSums.predicted_recall(): queries must have equally many relevant documents; got {sizes.tolist()[:5]}."
            )
        return predicted_recall(self.relevance.n_docs, self.dim, k=int(sizes[0]), cut=cut, tokens_per_doc=float(self.attributes_per_doc))

    def _asked(self) -> np.ndarray:
        return np.bincount(self.relevance.binary().indices, minlength=self.relevance.n_docs)


def attribute_sums_dim(n_docs: int, n_relevant: int, *, attributes_per_doc: float = 45.0) -> int:
    r"""The dimension from which all relevant pairs are expected to be right: ``L (sqrt(2 ln n) + sqrt(2 ln R))**2``, rounded up.

    A sizing rule from the tails of normal scores, neither an upper nor a lower bound; half of all runs are perfect somewhat
    earlier (at 2,517 where the rule says 2,998, for n = 50,000, R = 2,000, L = 41).

    Parameters
    ----------
    n_docs, n_relevant
        n >= 2 documents, R >= 1 relevant pairs.
    attributes_per_doc
        L.

    Examples
    --------
    >>> attribute_sums_dim(50_000, 2_000, attributes_per_doc=41)
    2998
    """
    who = "attribute_sums_dim()"
    n, pairs = whole(who, "n_docs", n_docs, low=2), whole(who, "n_relevant", n_relevant, low=1)
    size = real(who, "attributes_per_doc", attributes_per_doc, low=1.0)
    return math.ceil(size * (math.sqrt(2 * math.log(n)) + math.sqrt(2 * math.log(pairs))) ** 2)
