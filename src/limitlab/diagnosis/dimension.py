"""Level 1: whether any vectors of the dimension could hold the relevance, by theorem or certified construction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab.capacity.evidence import MOST_DIM
from limitlab.capacity.placing import place
from limitlab.capacity.planner import MOST_K, capacity
from limitlab.diagnosis.subject import Subject
from limitlab.relevance import RelevanceMatrix
from limitlab.theory import bounds
from limitlab.theory.exact_dimension import dim_exact_subsets

_PLACED = 200_000_000  # relevant documents x queries x dim up to which vectors are made for this very relevance: seconds
_SECONDS = 2.0


@dataclass(frozen=True)
class DimensionAnswer:
    """What is known about the dimension.

    Attributes
    ----------
    status
        "possible" (certificate, construction, or the given documents themselves), "exists" (a theorem that constructs nothing),
        "impossible" (a theorem), "open".
    sentence
        By what, and under which assumptions.
    """

    status: str
    sentence: str


def dimension_answer(subject: Subject, *, complete: bool, dtype: str = "float32") -> DimensionAnswer:
    """Whether vectors of this dimension and type exist that retrieve, for every query, all relevant documents that fit into the cut.

    Only the relevant documents and one that stands for all others matter. It is enough that every set of m of them can be retrieved, with
    m the largest number of relevant documents that fit into the cut: smaller sets are filled up, from larger ones m are chosen.

    Parameters
    ----------
    complete
        The given documents have such a query for every query: then they are the construction.
    dtype
        Number type of documents and queries.

    References
    ----------
    [Wang2026], [Forster2002]; which theorem or certificate is named in the sentence.
    """
    dim, m = subject.docs.shape[1], int(subject.targets.max())
    n = int(np.unique(subject.relevant.members).size) + 1
    where = f"{dim:,} dimensions"
    if complete:
        return DimensionAnswer(
            "possible", f"your own documents are the construction: each query has a vector that retrieves all that fits, in {where}"
        )
    answer = capacity(n_docs=max(n, m + 1), k=m, dim=dim, dtype=dtype) if m <= MOST_K and dim <= MOST_DIM and n > 1 else None
    if answer is not None and answer.status == "possible" and answer.certified is not None:
        return DimensionAnswer("possible", f"certificate {answer.certified.name}: every set of {m} of {n:,} documents, {where}, {dtype}")
    if impossible := _impossible(subject, dim):
        return DimensionAnswer("impossible", impossible)
    if n * len(subject.queries) * dim <= _PLACED:
        made = place(_small(subject, np.arange(len(subject.queries))), dim=dim, dtype=dtype)
        if made.kind == "construction":
            return DimensionAnswer("possible", f"vectors were constructed for these qrels and checked: {made.method}, {where}, {dtype}")
    if answer is not None and answer.status == "exists" and answer.existing is not None:
        return DimensionAnswer("exists", f"theorem {answer.existing.name}, nothing constructed: {answer.existing.sentence}")
    real = dim_exact_subsets(max(n, m + 1), m, sets="at most").value
    if isinstance(real, int) and real <= dim:
        return DimensionAnswer("open", f"in real numbers {real:,} dimensions suffice (theorem); whether {dtype} keeps it is not known")
    return DimensionAnswer("open", f"neither a construction nor a theorem decides {where} for these qrels")


def _impossible(subject: Subject, dim: int) -> str:
    """Why no vectors do it, or nothing. Bounds speak of exact separation, so only queries with exactly k relevant documents count."""
    rows = np.flatnonzero(subject.sizes == subject.k)
    if dim >= 2 * subject.k or not rows.size:  # 2k dimensions always suffice in real numbers
        return ""
    bound = bounds(_small(subject, rows), seconds=_SECONDS).lower("dim")
    if bound is None or bound.value is None or bound.value <= dim:
        return ""
    return (
        f"theorem {bound.name}: the {rows.size:,} queries with exactly k = {subject.k} relevant documents need at least {bound.value:,} "
        f"dimensions, and there are {dim:,}; which documents are lost is not determined, they are counted at the next level"
    )


def _small(subject: Subject, rows: np.ndarray) -> RelevanceMatrix:
    """These queries over the relevant documents and one more that stands for all others; at most k relevant ones a query."""
    relevant = subject.relevant
    sets = [relevant.members[relevant.indptr[r] : relevant.indptr[r + 1]][: subject.k] for r in rows]
    used, columns = np.unique(np.concatenate(sets), return_inverse=True)
    return RelevanceMatrix(np.concatenate([[0], np.cumsum([s.size for s in sets])]), columns, n_docs=used.size + 1)
