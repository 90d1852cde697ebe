"""From what every level retains to losses, gains and the level that each missing document is assigned to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limitlab.diagnosis.result import Level, Missing, QueryDiagnosis
from limitlab.diagnosis.subject import Subject
from limitlab.evaluation import bootstrap


@dataclass(frozen=True, eq=False)
class Stage:
    """A level before it is counted: ``kept`` (n_pairs,) bool, None for what was not given."""

    key: str
    label: str
    status: str
    note: str
    kept: np.ndarray | None


def cut_set(subject: Subject, later: Sequence[np.ndarray], rank: np.ndarray) -> np.ndarray:
    """(n_pairs,) bool: min(k, |S|) relevant documents of each query, what the cut leaves.

    No document is the one that does not fit. Those that the levels after retain are chosen first, the first of these levels before the others,
    then those that the exact search ranks first, so that the cut is charged with what is missing anyway.

    Parameters
    ----------
    later
        (n_pairs,) bool of the levels after the cut, in their order.
    rank
        (n_pairs,) rank of the exact search, 0 for none.
    """
    out = np.ones(rank.size, bool)
    for q in np.flatnonzero(subject.sizes > subject.k):
        span = slice(subject.relevant.indptr[q], subject.relevant.indptr[q + 1])
        keys = [np.where(rank[span] > 0, rank[span], np.iinfo(np.int64).max), *(~kept[span] for kept in reversed(later))]
        out[span] = False
        out[span.start + np.lexsort(keys)[: subject.k]] = True
    return out


def counted(
    subject: Subject, stages: Sequence[Stage], reasons: Sequence[str], *, seed: int = 0
) -> tuple[list[Level], list[QueryDiagnosis]]:
    """Levels and queries. Over all levels losses minus gains are |relevant| - |retained at the end|, for every query.

    A document missing at the end is assigned to the last level that lost it; of a query with more than k relevant documents |S| - k are
    assigned to the cut in any case.

    Parameters
    ----------
    stages
        The first is the cut and starts from all relevant documents; one without ``kept`` retains what the one before does.
    reasons
        (n_pairs,) text: more about why a document is missing; used where the last level that lost it is the index or the platform.
    """
    before = np.ones(subject.relevant.members.size, bool)
    blamed = np.full(before.size, -1, np.int64)
    levels, kept_counts, lost_counts, gained_counts = [], [], [], []
    for number, stage in enumerate(stages):
        kept = before if stage.kept is None else stage.kept
        lost, gained = before & ~kept, kept & ~before
        blamed[lost] = number
        kept_counts.append(subject.per_query(kept))
        lost_counts.append(subject.per_query(lost))
        gained_counts.append(subject.per_query(gained))
        before = kept
    missing = ~before
    _charge_the_cut(subject, missing, blamed, np.stack(gained_counts) - np.stack(lost_counts))
    for number, stage in enumerate(stages):
        kept_here = kept_counts[number]
        levels.append(
            Level(
                stage.key,
                stage.label,
                stage.status,
                stage.note,
                bootstrap(kept_here / subject.sizes, seed=seed),
                bootstrap((kept_here == subject.sizes).astype(float), seed=seed),
                int(kept_here.sum()),
                int(lost_counts[number].sum()),
                int(gained_counts[number].sum()),
                int((missing & (blamed == number)).sum()),
            )
        )
    columns = tuple(np.stack(c, axis=1).tolist() for c in (kept_counts, lost_counts, gained_counts))
    return levels, _queries(subject, stages, columns, missing, blamed, reasons)


def _charge_the_cut(subject: Subject, missing: np.ndarray, blamed: np.ndarray, net: np.ndarray) -> None:
    """Of the documents missing from a query with more than k relevant ones, |S| - k are the cut's, whichever they are.

    A level that exchanges one relevant document for another has lost nothing that could have been kept: such documents go to the cut
    first, those of the outermost level before the others. net (n_levels, n_queries): gains minus losses.
    """
    for q in np.flatnonzero(subject.sizes > subject.k):
        pairs = np.arange(subject.relevant.indptr[q], subject.relevant.indptr[q + 1])
        pairs = pairs[missing[pairs]]
        others = pairs[blamed[pairs] > 0]
        short = int(subject.sizes[q] - subject.k) - (pairs.size - others.size)
        if short > 0:
            order = np.lexsort((-blamed[others], -net[blamed[others], q]))
            blamed[others[order[:short]]] = 0


def _queries(
    subject: Subject,
    stages: Sequence[Stage],
    columns: tuple[list[list[int]], ...],
    missing: np.ndarray,
    blamed: np.ndarray,
    reasons: Sequence[str],
) -> list[QueryDiagnosis]:
    indptr, members = subject.relevant.indptr.tolist(), subject.relevant.members
    out = []
    for i, query in enumerate(subject.query_ids):
        absent = [p for p in range(indptr[i], indptr[i + 1]) if missing[p]]
        listed = []
        for p in absent:
            key = stages[int(blamed[p])].key
            listed.append(Missing(subject.doc_ids[int(members[p])], key, reasons[p] if key in ("index", "platform") else ""))
        retained, lost, gained = (tuple(c[i]) for c in columns)
        out.append(QueryDiagnosis(query, indptr[i + 1] - indptr[i], retained, lost, gained, tuple(listed)))
    return out
