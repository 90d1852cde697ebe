"""Hubs: documents that are near everything, and documents that are near nothing."""

from __future__ import annotations

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab.diagnosis.geometry.finding import FINE, LOOK, PROBLEM, Finding, graded
from limitlab.diagnosis.geometry.neighbours import sample_rows
from limitlab.diagnosis.subject import Subject
from limitlab.search import exact_search

NEIGHBOURS = 10
SKEW_LOOK, SKEW_PROBLEM = 2.0, 6.0
HUB_LOOK, HUB_PROBLEM = 0.05, 0.2  # of the queries, one document that is not relevant to them
TIMES = 5.0  # and this many times what documents would have if all were retrieved equally often
_SAMPLE = 5_000
_HUB_ADVICE = {
    FINE: "",
    LOOK: "Read its text: such documents are often very short, very general, or boilerplate.",
    PROBLEM: "Read its text, and remove or rewrite it: it takes a place from many queries.",
}


def occurrences(docs: np.ndarray, places: np.ndarray, *, unit: bool, k: int = NEIGHBOURS, progress: Progress = SILENT) -> np.ndarray:
    """(n,) int64: for how many of the documents each one is among the k nearest, itself not counted."""
    n = len(docs)
    found = exact_search(docs, docs, k=min(n, k + 1), places=places, normalise=not unit, progress=progress).indices
    own = found == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True
    return np.bincount(found[~own], minlength=n)


def skewness(counts: np.ndarray) -> float:
    """Third standardised moment; 0 where all counts are equal."""
    centred = counts - counts.mean()
    variance = float((centred**2).mean())
    return float((centred**3).mean() / variance**1.5) if variance > 0 else 0.0


def hubness(subject: Subject, *, seed: int = 0, progress: Progress = SILENT) -> Finding:
    """Skewness of the 10-occurrences among up to 5,000 documents [Radovanovic2010]: 0 without hubs. Look from 2, problem from 6."""
    n = len(subject.docs)
    rows = sample_rows(n, _SAMPLE, seed=seed, what="hubs")
    if rows.size <= NEIGHBOURS + 1:
        return Finding("hubness", "hubs", "not known", {}, FINE, f"{n:,} documents are too few to have hubs.")
    docs = subject.docs if rows.size == n else np.asarray(subject.docs[rows])
    order = np.argsort(np.argsort(subject.places[rows], kind="stable"), kind="stable").astype(np.int32)
    counts = occurrences(docs, order, unit=subject.cosine, progress=progress)
    skew, never, largest = skewness(counts), float((counts == 0).mean()), int(counts.max())
    status = graded(skew, look=SKEW_LOOK, problem=SKEW_PROBLEM)
    top = subject.doc_ids[int(rows[int(counts.argmax())])]
    return Finding(
        "hubness",
        "hubs",
        f"skewness {skew:.2f}",
        {"skewness": skew, "never a neighbour": never, "largest hub": largest, "largest hub, id": top, "neighbours": NEIGHBOURS},
        status,
        f"The most frequent neighbour is among the {NEIGHBOURS} nearest of {largest:,} documents; {100 * never:.1f} % are of none.",
        ""
        if status == FINE
        else "Subtract the mean vector, or rescale scores by each document's neighbourhood, and look at the texts of the hubs.",
        rows.size if rows.size < n else 0,
    )


def retrieved_hubs(subject: Subject, lists: np.ndarray) -> Finding:
    """The document that most queries retrieve without its being relevant.

    Look from 5 % of the queries, problem from 20 %, if that is at least 5 queries and 5 times the mean.

    Parameters
    ----------
    lists
        (n_queries, >= k) rows of the exact search with the queries' own vectors; the first k count.
    """
    k, n, n_queries = subject.k, len(subject.docs), len(subject.queries)
    kept = lists[:, :k]
    rows = np.broadcast_to(np.arange(n_queries)[:, None], kept.shape)
    relevant = np.isin(rows * n + kept, subject.relevant.rows * n + subject.relevant.members)
    wrong = np.bincount(kept[~relevant & (kept >= 0)], minlength=n)
    never = float((np.bincount(kept[kept >= 0], minlength=n) == 0).mean())
    share, by_chance = float(wrong.max() / n_queries), float(wrong.sum() / n / n_queries)
    # One query in a few is no hub: the share must also be several times what equally often would be.
    status = graded(share, look=HUB_LOOK, problem=HUB_PROBLEM) if share > TIMES * by_chance and wrong.max() >= 5 else FINE
    top = subject.doc_ids[int(wrong.argmax())]
    return Finding(
        "retrieved_hubs",
        "documents retrieved too often",
        f"at most {100 * share:.1f} % of the queries",
        {"largest share of queries": share, "mean share of queries": by_chance, "id": top, "documents never retrieved": never},
        status,
        f"{top!r} is among the first {k} of {100 * share:.1f} % of the queries without being relevant"
        f" (the mean document: {100 * by_chance:.2g} %).",
        _HUB_ADVICE[status],
    )
