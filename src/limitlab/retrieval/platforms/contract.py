"""What a platform answers, and what it can and cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Hit:
    """One hit as the platform names it.

    Attributes
    ----------
    keys
        ``(field, value)`` of everything that may name the document, likeliest first.
    score
        None where the platform gives none.
    text
        Of the chunk.
    """

    keys: tuple[tuple[str, str], ...]
    score: float | None
    text: str = ""

    def to_list(self) -> list[Any]:
        """Plain values, for the journal."""
        return [[list(key) for key in self.keys], self.score, self.text]

    @classmethod
    def from_list(cls, record: list[Any]) -> Hit:
        """The inverse of ``to_list``."""
        return cls(tuple((str(f), str(v)) for f, v in record[0]), record[1], record[2])


@dataclass(frozen=True)
class Answer:
    """The hits of one query in the platform's order, and counts of what was odd about them (names of ``tally.COUNTS``)."""

    hits: tuple[Hit, ...]
    facts: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the journal."""
        return {"hits": [hit.to_list() for hit in self.hits], "facts": dict(self.facts)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Answer:
        """The inverse of ``to_dict``."""
        return cls(tuple(Hit.from_list(h) for h in record["hits"]), record["facts"])


@dataclass(frozen=True)
class Capabilities:
    """What a platform says, or is documented to do, about its searches. None: not stated.

    Attributes
    ----------
    max_top_k
        Greatest number of hits a query.
    max_query_chars
        Longest query, in characters.
    budget
        What bounds an answer: "count" (of hits) or "tokens".
    chunks
        Whether hits are pieces of documents.
    score_range
        Least and greatest score.
    higher_is_better
        Direction of scores.
    exact
        Whether all vectors are compared.
    dim, dtype, model
        Of the vectors that are served.
    thresholds
        Settings in force that leave hits out or weigh them, in words.
    page_size
        Hits a request.
    """

    max_top_k: int | None = None
    max_query_chars: int | None = None
    budget: str = "count"
    chunks: bool = True
    score_range: tuple[float, float] | None = None
    higher_is_better: bool = True
    exact: bool | None = None
    dim: int | None = None
    dtype: str | None = None
    model: str | None = None
    thresholds: tuple[str, ...] = ()
    page_size: int | None = None

    def sentence(self) -> str:
        """All of it in words."""
        span = "scores without a stated range" if self.score_range is None else "scores {:g} to {:g}".format(*self.score_range)
        parts = [
            "hits are chunks" if self.chunks else "hits are documents",
            f"{span}, {'higher' if self.higher_is_better else 'lower'} is better",
            "an answer is bounded by a budget of tokens" if self.budget == "tokens" else "an answer is bounded by a number of hits",
            f"at most {self.max_top_k:,} hits a query" if self.max_top_k else "",
            f"queries of at most {self.max_query_chars:,} characters" if self.max_query_chars else "",
            f"pages of {self.page_size:,}" if self.page_size else "",
            {True: "exact search", False: "approximate search", None: "exact or approximate search: not stated"}[self.exact],
            f"model {self.model}" if self.model else "model not stated",
            f"vectors of {self.dim:,} values" if self.dim else "dimension not stated",
            f"stored as {self.dtype}" if self.dtype else "",
        ]
        return "; ".join(filter(None, parts))
