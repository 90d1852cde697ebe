"""Level 7, and level 6 without an index: what a production ranking did with what it should have returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limitlab._core.errors import DataError, first_examples
from limitlab.diagnosis.subject import WHO, Subject

REASONS = (
    "",
    "the run has no hits for this query",
    "the list is shorter than k: a score threshold, a filter or a smaller limit",
    "pushed below k by repeated documents or by other chunks of the same documents",
    "absent from a full list: an approximate index, a filter or other vectors",
    "in the list, but below k: another order",
)
_NO_HITS, _SHORT, _REPEATS, _ABSENT, _LOWER = range(1, 6)
OF_THE_LIST = (_ABSENT, _LOWER)  # what an index does; the other reasons are the platform's
Hits = Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class RunFindings:
    """What the run retrieved.

    Attributes
    ----------
    kept
        (n_pairs,) bool: the document is among the first k hits.
    reasons
        (n_pairs,) int8: index into REASONS, 0 for what is kept.
    facts
        Counts: queries without hits, short lists, repeated documents, queries left out.
    """

    kept: np.ndarray
    reasons: np.ndarray
    facts: dict[str, int]


def run_findings(subject: Subject, hits: Hits, mapped: Callable[[str], str], *, all_query_ids: Sequence[str]) -> RunFindings:
    """Which relevant documents the run has among its first k hits, and why the others are missing.

    A hit that repeats a document takes a place: the cut counts hits, as they reach the reader.

    Parameters
    ----------
    hits
        Ids of hits, best first, for each query id.
    mapped
        See ``limitlab.search.chunk_ids.chunk_mapping``.
    all_query_ids
        All queries, also those without a relevant document. Others in the run are left out and counted.

    Raises
    ------
    DataError
        The run names no known query, or unknown documents (count and first examples).
    """
    rows = {name: i for i, name in enumerate(subject.doc_ids)}
    known = set(all_query_ids)
    strange = [q for q in hits if q not in known]
    if len(strange) == len(hits):
        raise DataError(
            f"{WHO}: the run must name known queries; {len(strange):,} of {len(hits):,} are unknown: {first_examples(strange)}."
        )
    lists = {q: [mapped(d) for d in hits.get(q, ())] for q in subject.query_ids}
    named = dict.fromkeys(d for found in lists.values() for d in found)
    unknown = [d for d in named if d not in rows]
    if unknown:
        raise DataError(
            f"{WHO}: the run must name known documents; {len(unknown):,} of {len(named):,} are unknown: {first_examples(unknown)}. "
            "If they are chunks, pass --chunk-separator or --chunk-pattern."
        )
    relevant, k = subject.relevant, subject.k
    reasons = np.zeros(relevant.members.size, np.int8)
    facts = {"queries without hits": 0, "lists shorter than k": 0, "lists with repeated documents in the first k": 0}
    facts["queries that are not evaluated, left out"] = len(strange)
    for i, q in enumerate(subject.query_ids):
        found = lists[q]
        first = set(found[:k])
        distinct = list(dict.fromkeys(found))
        facts["queries without hits"] += not found
        facts["lists shorter than k"] += 0 < len(found) < k
        facts["lists with repeated documents in the first k"] += len(first) < len(found[:k])
        for p in range(relevant.indptr[i], relevant.indptr[i + 1]):
            name = subject.doc_ids[int(relevant.members[p])]
            if name not in first:
                reasons[p] = _reason(name, found, distinct, k)
    return RunFindings(reasons == 0, reasons, {name: count for name, count in facts.items() if count})


def _reason(name: str, found: Sequence[str], distinct: Sequence[str], k: int) -> int:
    if not found:
        return _NO_HITS
    if name in distinct:
        return _REPEATS if distinct.index(name) < k else _LOWER
    return _SHORT if len(found) < k else _ABSENT
