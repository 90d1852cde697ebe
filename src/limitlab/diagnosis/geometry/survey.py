"""All properties of one subject's vectors, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limitlab._core.progress import SILENT, Progress
from limitlab.diagnosis.geometry import (
    anisotropy,
    cut_documents,
    dimensions,
    duplicates,
    effective_rank,
    hubness,
    intrinsic_dimension,
    norms,
)
from limitlab.diagnosis.geometry.finding import Finding
from limitlab.diagnosis.geometry.moments import moments
from limitlab.diagnosis.geometry.neighbours import nearest
from limitlab.diagnosis.subject import Subject


def geometry(
    subject: Subject,
    *,
    raw_docs: np.ndarray,
    raw_queries: np.ndarray,
    lists: np.ndarray,
    kept: np.ndarray,
    cut: np.ndarray | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[Finding, ...]:
    """Every property. Moments and duplicates pass through all rows; what needs pairs of documents looks at a sample that it states.

    Parameters
    ----------
    raw_docs, raw_queries
        Vectors as they were given, before any scaling.
    lists
        (n_queries, >= k) rows found with the queries' own vectors.
    kept
        (n_pairs,) bool: relevant documents that these lists hold in their first k.
    cut, limit
        Rows of documents longer than the model reads, and its limit in tokens; None where that is not known.
    """
    docs, cosine = subject.docs, subject.cosine
    long = norms.lengths(raw_docs)
    sums = moments(docs, unit=cosine, seed=seed, progress=progress)
    near = nearest(docs, subject.places, unit=cosine, seed=seed, progress=progress)
    found: Sequence[Finding] = (
        norms.broken_rows(long),
        norms.norms(long, matters=not cosine),
        norms.norms(norms.lengths(raw_queries), matters=False, what="queries"),
        norms.cut_vectors(long, cosine=cosine),
        duplicates.exact_duplicates(subject),
        duplicates.near_duplicates(subject, near),
        hubness.retrieved_hubs(subject, lists),
        hubness.hubness(subject, seed=seed, progress=progress),
        anisotropy.anisotropy(sums),
        effective_rank.effective_rank(sums),
        intrinsic_dimension.intrinsic_dimension(near, len(docs), docs.shape[1]),
        dimensions.dead_dimensions(sums),
        dimensions.dominant_dimensions(sums),
    )
    if cut is None:
        return tuple(found)
    return (*found, cut_documents.cut_documents(subject, cut, kept, limit=limit, seed=seed))
