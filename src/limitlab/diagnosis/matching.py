"""Whether vectors are of this dataset, and both sides of one model: what is told apart before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limitlab._core.errors import DataError, first_examples
from limitlab.data import Dataset
from limitlab.diagnosis.subject import WHO
from limitlab.relevance import RelevanceMatrix
from limitlab.retrieval.model_identity import compare_models

DIFFERENCE = "documents and queries were encoded under different names or versions"


def matching(data: Dataset | RelevanceMatrix, docs: Any, queries: Any, doc_ids: Sequence[str] | None) -> dict[str, int | str]:
    """Notes about vectors that were given.

    Raises
    ------
    DataError
        Some vectors are of documents that the dataset does not have. Qrels alone do not name all documents, and are not asked.
    InvalidArgument
        Documents and queries were encoded by different models.
    """
    if isinstance(data, Dataset) and doc_ids is not None:
        known = set(data.docs.ids)
        others = [i for i in doc_ids if i not in known]
        if others:
            absent = len(known.difference(doc_ids))
            raise DataError(
                f"{WHO}: vectors must be those of the dataset's documents; {len(others):,} of {len(doc_ids):,} are of others: "
                f"{first_examples(others)}; {absent:,} of {len(known):,} documents have none. Diagnose the dataset that was encoded."
            )
    note = compare_models(WHO, docs, queries)
    return {DIFFERENCE: note} if note else {}
