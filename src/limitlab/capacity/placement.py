"""Documents and queries placed for given relevance judgements, without any encoder, and what they attain once stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limitlab.capacity.number_types import number_type
from limitlab.relevance import Reduction


@dataclass(frozen=True, eq=False)
class Placement:
    """Documents and queries for given relevance judgements, and what they attain as stored.

    Attributes
    ----------
    method
        The construction whose documents were taken.
    kind
        "construction": every query has exactly its relevant documents on top, decided in exact arithmetic on the stored
        numbers. "measurement": they have not; ``recall`` says how far it got, and nothing follows about what is possible.
    recall
        Mean over queries of the share of relevant documents among the first |S|, S the query's own; irrelevant documents
        come first among equal scores. Equals recall@k where every query has k.
    solved
        Queries with all of S above all others, of ``n_queries``.
    least_gap
        Least over queries of (least relevant - greatest irrelevant score) / (|query| longest |document|), of the stored vectors.
    dtype, query_dtype
        Number types that documents and queries were rounded to.
    tried
        For every construction tried, in order: method, recall, solved, least gap.
    places, asked
        Vectors of the distinct documents and of the distinct queries: the values of the stored numbers, (., dim).
    reduction
        Which documents and queries share a vector: those with the same relevance.
    """

    method: str
    kind: str
    recall: float
    solved: int
    least_gap: float
    dtype: str
    query_dtype: str
    tried: tuple[Mapping[str, Any], ...] = field(repr=False)
    places: np.ndarray = field(repr=False)
    asked: np.ndarray = field(repr=False)
    reduction: Reduction = field(repr=False)

    @property
    def dim(self) -> int:
        """Values a vector."""
        return int(self.places.shape[1])

    @property
    def docs(self) -> np.ndarray:
        """(n_docs, dim) of all documents, in the order of ``doc_ids``."""
        return self.places[self.reduction.doc_of]

    @property
    def queries(self) -> np.ndarray:
        """(n_queries, dim) of all queries, in the order of ``query_ids``."""
        return self.asked[self.reduction.query_of]

    @property
    def doc_ids(self) -> Sequence[str]:
        """Of the relevance matrix."""
        return self.reduction.doc_ids

    @property
    def query_ids(self) -> Sequence[str]:
        """Of the relevance matrix."""
        return self.reduction.query_ids

    def to_dict(self) -> dict[str, Any]:
        """The facts, without vectors and ids."""
        n_docs, n_queries = len(self.doc_ids), len(self.query_ids)
        names = ("method", "kind", "recall", "solved", "least_gap", "dim", "dtype", "query_dtype", "tried")
        return {
            "schema": "limitlab.placement/1",
            **{n: getattr(self, n) for n in names},
            "n_docs": n_docs,
            "n_queries": n_queries,
            "distinct_docs": len(self.places),
            "distinct_queries": len(self.asked),
            "docs_bytes": n_docs * number_type("Placement", self.dtype).vector_bytes(self.dim),
            "queries_bytes": n_queries * number_type("Placement", self.query_dtype).vector_bytes(self.dim),
        }
