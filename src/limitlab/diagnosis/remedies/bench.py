"""What every remedy is measured on: the vectors as they are served, the texts, and what is retrieved before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from limitlab._core.progress import Progress
from limitlab._core.texts import TextList, Texts
from limitlab.data import Dataset
from limitlab.diagnosis import served
from limitlab.diagnosis.index import IndexSpec, index_lists
from limitlab.diagnosis.remedies.plan import RemedyPlan
from limitlab.diagnosis.remedies.remedy import MEASURED, Remedy
from limitlab.diagnosis.scratch import Scratch
from limitlab.diagnosis.subject import Subject
from limitlab.evaluation import bootstrap, compare_paired
from limitlab.search import SearchResult, exact_search

_LEAST_WIDTH = 100


@dataclass(frozen=True)
class Serving:
    """How vectors are served: see ``diagnose``."""

    dim: int | None = None
    renormalise: bool = True
    dtype: str | None = None
    query_dtype: str = "float32"
    index: IndexSpec | None = None


@dataclass(frozen=True)
class BenchTexts:
    """Texts in the order of the vectors."""

    docs: Texts
    queries: Texts


class Bench:
    """One subject as it is served, and how a change is compared with it.

    Parameters
    ----------
    data
        The texts, where there are any.
    """

    def __init__(self, subject: Subject, serving: Serving, data: Any, plan: RemedyPlan, scratch: Scratch, progress: Progress) -> None:
        self.subject, self.serving, self.plan = subject, serving, plan
        self.scratch, self.progress = scratch, progress
        self.texts, self.why_no_texts = _texts(subject, data)
        self.cosine = subject.cosine and (serving.renormalise or not self.truncated)
        self.width = min(len(subject.docs), max(_LEAST_WIDTH, 10 * subject.k, plan.rerank_depth))

    @property
    def truncated(self) -> bool:
        """Whether fewer dimensions are served than there are."""
        return self.serving.dim is not None and self.serving.dim < self.subject.docs.shape[1]

    @cached_property
    def short(self) -> tuple[np.ndarray, np.ndarray]:
        """(documents, queries) of the served dimension, float32."""
        s = self.subject
        if not self.truncated:
            return s.docs, s.queries
        scaled = self.serving.renormalise and s.cosine
        docs, queries = (served.truncated(a, self.serving.dim or 0, renormalise=scaled, scratch=self.scratch) for a in (s.docs, s.queries))
        return docs, queries

    @cached_property
    def stored(self) -> np.ndarray:
        """Documents of the served dimension with the values they have once stored."""
        return self.typed(self.short[0], self.serving.dtype)

    def typed(self, rows: np.ndarray, dtype: str | None) -> np.ndarray:
        """Rows with the values they have in a number type."""
        return rows if dtype in (None, "float32") else served.quantised(rows, dtype or "", scratch=self.scratch)

    def search(self, *, queries: np.ndarray, docs: np.ndarray | None = None, width: int | None = None, exact: bool = False) -> SearchResult:
        """Ranked lists of the system as served, with other vectors.

        Parameters
        ----------
        queries
            (m, dim) float32 of the served dimension, or of that of ``docs``; rounded here.
        docs
            As stored; default: those that are served.
        width
            Length of the lists; default: the cut.
        exact
            Without the approximate index.
        """
        docs = self.stored if docs is None else docs
        asked = self.typed(queries, self.serving.query_dtype)
        k = min(width or self.subject.k, len(docs))
        if self.serving.index is None or exact:
            return exact_search(docs, asked, k=k, places=self.subject.places, normalise=False, progress=self.progress)
        indices, _ = index_lists(self.serving.index, docs, asked, k=k, ids=self.subject.doc_ids, cosine=self.cosine)
        scores = np.full(indices.shape, -np.inf, np.float32)
        for row, found in enumerate(indices):
            held = found >= 0
            scores[row, held] = docs[found[held]] @ asked[row]
        return SearchResult(indices, scores)

    @cached_property
    def before(self) -> np.ndarray:
        """(n_pairs,) bool: what is retrieved as served."""
        return self.kept(self.search(queries=self.short[1]).indices)

    @cached_property
    def wide(self) -> SearchResult:
        """Lists as served, long enough for fusion and reranking."""
        return self.search(queries=self.short[1], width=self.width)

    def kept(self, indices: np.ndarray, *, k: int | None = None, rows: np.ndarray | None = None) -> np.ndarray:
        """(n_pairs,) bool: relevant documents among the first k of the lists; ``rows`` are the queries the lists belong to."""
        relevant = self.subject.relevant
        out = np.zeros(relevant.members.size, bool)
        for row, found in zip(range(len(indices)) if rows is None else rows, indices):
            span = slice(relevant.indptr[row], relevant.indptr[row + 1])
            out[span] = np.isin(relevant.members[span], found[: k or self.subject.k])
        return out

    def compared(
        self, key: str, label: str, after: np.ndarray, *, note: str, cost: str, kind: str = MEASURED, rows: np.ndarray | None = None,
        details: dict[str, Any] | None = None,
    ) -> Remedy:  # fmt: skip
        """``after`` (n_pairs,) against what is retrieved before, over the queries ``rows``."""
        s, seed = self.subject, self.plan.seed
        rows = np.arange(s.sizes.size) if rows is None else rows
        values = []
        for kept in (self.before, after):
            hits = s.per_query(kept)[rows]
            values.append({"recall": hits / s.sizes[rows], "all_relevant": (hits == s.sizes[rows]).astype(float)})
        told = [{name: bootstrap(v, seed=seed) for name, v in side.items()} for side in values]
        tests = {
            name: compare_paired(values[1][name], values[0][name], first=label, second="as served", measure=f"{name}@{s.k}", seed=seed)
            for name in ("recall", "all_relevant")
        }
        inside = np.zeros(s.sizes.size, bool)
        inside[rows] = True
        counted = inside[s.relevant.rows]
        won, lost = int((after & ~self.before & counted).sum()), int((self.before & ~after & counted).sum())
        return Remedy(
            key, label, kind, note, cost, tests["recall"], tests["all_relevant"], told[0], told[1], won, lost, details=details or {}
        )


def _texts(subject: Subject, data: Any) -> tuple[BenchTexts | None, str]:
    """(texts in the order of the vectors, or why there are none)."""
    if not isinstance(data, Dataset):
        return None, "no texts: relevance alone was given"
    parts = []
    for what, texts, ids in (("documents", data.docs, subject.doc_ids), ("queries", data.queries, subject.query_ids)):
        if texts.ids is ids or list(texts.ids) == list(ids):
            parts.append(texts)
            continue
        at = {name: i for i, name in enumerate(texts.ids)}
        if absent := sum(name not in at for name in ids):
            return None, f"no texts for {absent:,} of the {what} with vectors"
        parts.append(TextList(ids, [texts[at[name]] for name in ids]))
    return BenchTexts(*parts), ""
