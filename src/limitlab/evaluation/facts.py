"""Sizes, query graph and notes of a dataset, for results."""

from __future__ import annotations

from limitlab._core.errors import InvalidArgument
from limitlab.data import Dataset
from limitlab.evaluation.result import DatasetFacts
from limitlab.relevance import query_graph


def dataset_facts(dataset: Dataset, min_relevance: int = 1) -> DatasetFacts:
    """Sizes, query graph and notes of a dataset; refused when no query has a document of grade ``min_relevance``."""
    counts = dataset.relevance.relevant_counts(min_relevance)
    if not (counts > 0).any():
        raise InvalidArgument(f"evaluate(): some document must have grade >= min_relevance={min_relevance}; in {dataset.name} none has.")
    notes = dict(dataset.notes)
    if (counts == 0).any():
        notes["queries_below_min_relevance"] = int((counts == 0).sum())
    if dataset.relevance.grades.size and dataset.relevance.grades.max() > 1:
        notes["greatest_grade"] = int(dataset.relevance.grades.max())
    made = dataset.origin.get("config") or {}
    published = None
    if (
        dataset.origin.get("generator") == "limit"
        and made.get("k") == 2
        and made.get("split") == "test"
        and not made.get("synonyms")
        and made.get("n_queries") == 1000
    ):
        published = (
            "LIMIT-small" if made.get("small") else "LIMIT" if made.get("n_docs") == 50_000 and made.get("pattern") == "dense" else None
        )
    if published == "LIMIT-small" and made.get("pattern") != "dense":
        published = None
    return DatasetFacts(
        name=dataset.name,
        fingerprint=dataset.fingerprint(),
        n_docs=dataset.n_docs,
        n_queries=int((counts > 0).sum()),
        n_relevant=int(counts.sum()),
        pattern=dataset.origin.get("pattern"),
        published_as=published,
        query_graph=query_graph(dataset.relevance, min_relevance=min_relevance).to_dict(),
        notes=notes,
    )
