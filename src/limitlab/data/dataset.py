"""A retrieval dataset: documents, queries, relevance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from limitlab._core.errors import DataError, first_examples
from limitlab._core.texts import TextList, Texts
from limitlab.relevance import RelevanceMatrix


@dataclass(frozen=True)
class Dataset:
    """Documents, queries and the relevance matrix between them.

    Attributes
    ----------
    name
        Shown in tables.
    docs, queries
        Texts with ids, by position. Queries are the evaluated ones: each has at least one relevant document.
    relevance
        Row i is ``queries[i]``, column j is ``docs[j]``; grades kept.
    notes
        Counts that a reader must know (queries left out because nothing is relevant to them, empty documents, ...).
    origin
        Where it came from: format, folder or generator config; ``origin["pattern"]`` when it was made from one.
    """

    name: str
    docs: Texts
    queries: Texts
    relevance: RelevanceMatrix
    notes: Mapping[str, int | float | str] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    _fingerprints: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_texts(
        cls,
        docs: Mapping[str, str],
        queries: Mapping[str, str],
        qrels: Mapping[str, Mapping[str, int]],
        *,
        name: str = "my data",
    ) -> Dataset:
        """From plain dictionaries: ``{id: text}``, ``{id: text}``, ``{query id: {document id: grade}}``.

        Raises
        ------
        DataError
            The corpus is empty, ids in the qrels are unknown, or no document is relevant to any query.
        """
        return checked_dataset(
            name,
            TextList(list(docs), list(docs.values())),
            TextList(list(queries), list(queries.values())),
            [(q, d, g) for q, row in qrels.items() for d, g in row.items()],
            who="Dataset.from_texts()",
        )

    def fingerprint(self) -> str:
        """16 hex digits over ids, texts and grades: equal data have equal fingerprints wherever they lie."""
        if "all" not in self._fingerprints:
            digest = hashlib.sha256(self.relevance.fingerprint().encode())
            for texts in (self.docs, self.queries):
                for text in texts:
                    digest.update(text.encode("utf-8", "surrogatepass"))
                    digest.update(b"\x1f")
            self._fingerprints["all"] = digest.hexdigest()[:16]
        return self._fingerprints["all"]

    @property
    def n_docs(self) -> int:
        """Number of documents."""
        return len(self.docs)

    @property
    def n_queries(self) -> int:
        """Number of evaluated queries."""
        return len(self.queries)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, n_docs={self.n_docs:,}, n_queries={self.n_queries:,}, n_relevant={self.relevance.n_relevant:,})"


def checked_dataset(
    name: str,
    docs: Texts,
    queries: Texts,
    judgements: Sequence[tuple[str, str, int]],
    *,
    who: str,
    strict: bool = False,
    notes: Mapping[str, int | float | str] | None = None,
    origin: Mapping[str, Any] | None = None,
    empty_docs: int | None = None,
) -> Dataset:
    """A Dataset after the checks every source must pass; see ``Dataset.from_texts`` and ``load`` for the errors."""
    if not len(docs):
        raise DataError(f"{who}: the corpus is empty; at least one document is needed.")
    if not len(queries):
        raise DataError(f"{who}: there are no queries; at least one is needed.")
    known_docs, known_queries = set(docs.ids), set(queries.ids)
    for what, known, ids in (
        ("documents", known_docs, [d for _, d, _ in judgements]),
        ("queries", known_queries, [q for q, _, _ in judgements]),
    ):
        unknown = list(dict.fromkeys(i for i in ids if i not in known))
        if unknown:
            count = sum(i not in known for i in ids)
            raise DataError(
                f"{who}: qrels must name known {what}; {count} lines name {len(unknown)} unknown ids: {first_examples(unknown)}."
            )
    relevant_queries = {q for q, _, g in judgements if g > 0}
    if not relevant_queries:
        raise DataError(
            f"{who}: no document is relevant to any query ({len(judgements)} judgements, none with a positive grade); nothing can be measured."
        )
    found: dict[str, int | float | str] = dict(notes or {})
    left_out = len(queries) - len(relevant_queries)
    empty = sum(not t.strip() for t in docs) if empty_docs is None else empty_docs
    if left_out:
        found["queries_without_relevant_documents"] = left_out
    if empty:
        found["empty_documents"] = empty
    if strict and (left_out or empty):
        examples = first_examples(q for q in queries.ids if q not in relevant_queries)
        problems = [
            f"{left_out} queries have no relevant document ({examples})" if left_out else "",
            f"{empty} documents are empty" if empty else "",
        ]
        raise DataError(
            f"{who}: with --strict every query must have a relevant document and every document a text; {' and '.join(filter(None, problems))}."
        )
    if left_out:
        kept = [i for i, q in enumerate(queries.ids) if q in relevant_queries]
        queries = TextList([queries.ids[i] for i in kept], [queries[i] for i in kept])
        judgements = [j for j in judgements if j[0] in relevant_queries]
    relevance = RelevanceMatrix.from_triples(judgements, query_ids=list(queries.ids), doc_ids=docs.ids)
    return Dataset(name, docs, queries, relevance, notes=found, origin=dict(origin or {}))
