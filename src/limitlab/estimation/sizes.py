"""The sizes of a task, checked: what an estimate is made for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from limitlab._core.checks import choice, real, whole
from limitlab.search.stored_vectors import bytes_per_vector

WHO = "limitlab estimate"
MOST_DOCS = 10**13
FILE_TYPES = ("float32", "float16", "int8", "binary")
MISSING = (0.1, 0.5, 1.0)  # share of queries whose own vector misses something: low, expected, high, where nobody has measured it
CHARACTERS_A_TOKEN = 4  # as remote/usage.py counts where nobody counts


@dataclass(frozen=True)
class Sizes:
    """How much there is.

    Attributes
    ----------
    n_docs, n_queries, dim
        Of the corpus, the queries, and the vectors in full.
    k
        The cut of a diagnosis.
    relevant_per_query
        Mean number of relevant documents.
    dtype
        How vectors lie in their file: one of FILE_TYPES.
    unit
        Whether the vectors have unit length already.
    tokens_per_doc, tokens_per_query
        Mean lengths of texts in tokens of 4 characters.
    missing
        Share of queries whose own vector misses a relevant document, in [0, 1]; None: not known.
    in_files
        Whether vectors are read from a file, or lie in memory.
    """

    n_docs: int
    n_queries: int
    dim: int
    k: int = 10
    relevant_per_query: float = 2.0
    dtype: str = "float32"
    unit: bool = True
    tokens_per_doc: float = 120.0
    tokens_per_query: float = 15.0
    missing: float | None = None
    in_files: bool = True

    def __post_init__(self) -> None:
        whole(WHO, "--n-docs", self.n_docs, low=2, high=MOST_DOCS)
        whole(WHO, "--n-queries", self.n_queries, low=1, high=10**9)
        whole(WHO, "--dim", self.dim, low=1, high=10**6)
        whole(WHO, "--k", self.k, low=1, high=self.n_docs, high_name="n_docs")
        real(WHO, "--relevant-per-query", self.relevant_per_query, low=1e-9, high=1e9)
        choice(WHO, "--dtype", self.dtype, FILE_TYPES)
        real(WHO, "--tokens-per-doc", self.tokens_per_doc, low=0, high=1e9)
        real(WHO, "--tokens-per-query", self.tokens_per_query, low=0, high=1e9)
        if self.missing is not None:
            real(WHO, "--missing", self.missing, low=0, high=1)

    @property
    def pairs(self) -> float:
        """Relevant pairs."""
        return self.relevant_per_query * self.n_queries

    @property
    def misses(self) -> tuple[float, float, float]:
        """(low, expected, high) share of queries that miss something."""
        return MISSING if self.missing is None else (self.missing, self.missing, self.missing)

    @property
    def vector_bytes(self) -> float:
        """Bytes of the file of document vectors."""
        return self.n_docs * stored_bytes(self.dtype, self.dim)

    @property
    def text_bytes(self) -> float:
        """Bytes of the documents' texts."""
        return self.n_docs * self.tokens_per_doc * CHARACTERS_A_TOKEN

    def with_(self, **changes: Any) -> Sizes:
        """The same with changes, checked."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)


def stored_bytes(dtype: str, dim: int) -> float:
    """Bytes of one vector in a file: values alone (scales of int8 files are shared or lie apart)."""
    if dtype == "float32":
        return 4.0 * dim
    return bytes_per_vector(dtype, dim) - (4.0 if dtype == "int8" else 0.0)
