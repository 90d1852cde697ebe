"""Duplicates: vectors that no query can tell apart, and those that nearly cannot be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from limitlab._core.errors import first_examples
from limitlab._core.seeds import derived
from limitlab.diagnosis.geometry.finding import FINE, LOOK, PROBLEM, Finding, graded, percent
from limitlab.diagnosis.geometry.neighbours import Neighbours
from limitlab.diagnosis.subject import Subject

_ROWS = 8192
MANY = 0.01  # of the documents with a twin
NEAR = 0.999  # cosine
NEAR_LOOK, NEAR_PROBLEM = 0.01, 0.2


def twins(docs: np.ndarray) -> np.ndarray:
    """(n,) int64: the first row with the same values, for every row; values are compared, not hashes (0 and -0 are the same)."""
    n, dim = docs.shape
    factors = derived(0, "row hash").integers(1, 2**63, size=dim, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = np.empty(n, np.uint64)
    for at in range(0, n, _ROWS):
        block = np.ascontiguousarray(docs[at : at + _ROWS], np.float32) + np.float32(0)
        hashes[at : at + _ROWS] = (block.view(np.uint32).astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    order = np.argsort(hashes, kind="stable")
    first = np.arange(n)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(hashes[order]) != 0, [True]]))
    for a, b in pairwise(starts.tolist()):
        if b - a > 1:
            members = order[a:b]
            left = members
            while left.size > 1:  # usually once: rows with one hash are nearly always equal
                rows = np.asarray(docs[left])
                same = (rows == rows[:1]).all(axis=1)
                first[left[same]] = left[0]
                left = left[~same]
    return first


def exact_duplicates(subject: Subject) -> Finding:
    """Documents with the same vector as another.

    Look from the first; problem from 1 % of the documents, or where one of two equal ones is relevant to a query and the other is not.
    """
    n = len(subject.docs)
    first = twins(subject.docs)
    sizes = np.bincount(first, minlength=n)
    doubled = sizes[first] > 1
    count, groups = int(doubled.sum()), int((sizes > 1).sum())
    torn = _torn(subject, first, sizes)
    if not count:
        return Finding("duplicates", "equal vectors", "none", {"documents": 0}, FINE, "No two documents have the same vector.")
    largest = int(sizes.argmax())
    examples = first_examples([subject.doc_ids[int(r)] for r in np.flatnonzero(first == largest)[:4]])
    meaning = f"{count:,} documents share their vector with another ({groups:,} groups, the largest {int(sizes.max()):,}: {examples})"
    return Finding(
        "duplicates",
        "equal vectors",
        f"{count:,} documents",
        {"documents": count, "groups": groups, "largest group": int(sizes.max()), "relevant with an irrelevant twin": torn},
        PROBLEM if torn or count / n >= MANY else LOOK,
        meaning + (f"; {torn:,} relevant pairs have a twin that is not relevant, which no query can rank below." if torn else "."),
        "Remove duplicates, or judge them alike; where texts differ, the model cuts or ignores what distinguishes them.",
    )


def _torn(subject: Subject, first: np.ndarray, sizes: np.ndarray) -> int:
    """Relevant pairs whose document has a twin that is not relevant to the same query."""
    of = first[subject.relevant.members]
    _, back, counts = np.unique(subject.relevant.rows * len(first) + of, return_inverse=True, return_counts=True)
    return int((counts[back.reshape(-1)] < sizes[of]).sum())


def near_duplicates(subject: Subject, found: Neighbours) -> Finding:
    """Documents with another at a cosine of at least 0.999 that is not equal. Look from 1 % of those looked at, problem from 20 %."""
    cosines, n = found.cosines, len(subject.docs)
    distinct = found.distances > 1e-6  # rounding of unit rows
    near = ((cosines >= NEAR) & distinct).any(axis=1)
    share = float(near.mean())
    status = graded(share, look=NEAR_LOOK, problem=NEAR_PROBLEM)
    nearest = np.where(distinct, cosines, -1.0).max(axis=1)
    words = f"{percent(share)} of the documents have another at a cosine of {NEAR} or more"
    examples = [subject.doc_ids[int(r)] for r in found.rows[near][:4]]
    return Finding(
        "near_duplicates",
        "nearly equal vectors",
        percent(share),
        {"share": share, "threshold": NEAR, "median cosine of the nearest": float(np.median(nearest))},
        status,
        words + (f": {first_examples(examples)}." if examples else "."),
        ""
        if status == FINE
        else "Such documents are told apart by rounding once stored in few bits: remove copies, or keep a wide type and rescore.",
        len(found.rows) if len(found.rows) < n else 0,
    )
