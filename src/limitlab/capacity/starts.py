"""Where documents may be placed before queries are solved for: every known construction that fits a relevance matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from limitlab.capacity.catalogue import shipped
from limitlab.capacity.curves import curve_points
from limitlab.capacity.random_docs import RandomDocs
from limitlab.capacity.simplex import Simplex
from limitlab.relevance import RelevanceMatrix

_DENSE = 4_000_000  # entries, zeros counted, up to which singular vectors are computed


def starts(relevance: RelevanceMatrix, dim: int, *, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, documents) of every construction that can be built: (n_docs, dim) float64, unit rows for dim >= 2.

    Parameters
    ----------
    relevance
        Distinct rows and columns.
    dim
        >= 1.
    seed
        Of the random documents.
    """
    n = relevance.n_docs
    if n - 1 <= dim:
        yield "simplex", _padded(Simplex(n).docs(), dim)
    for name, order in _orders(relevance):
        if dim == 1:
            yield f"line, {name}", np.linspace(-1, 1, n)[np.argsort(order)][:, None]
            continue
        # More frequencies than the theorem asks for open the gaps; more than there are directions change nothing.
        m = max(1, min(dim // 2, (n - 1) // 2))
        squares = np.array((4, 1) if m == 2 else (1,) * m, float)
        points = curve_points(2 * np.pi / n * np.arange(n), np.sqrt(squares / squares.sum()))
        yield f"trigonometric curve, {name}", _padded(points[np.argsort(order)], dim)
    yield from _certified(n, dim, int(relevance.relevant_counts().max()))
    if dim > 1:
        yield f"random documents, seed {seed}", RandomDocs(n, dim, seed=seed).docs()
    if 1 < dim < n and dim <= relevance.n_queries and n * relevance.n_queries <= _DENSE:
        yield "singular vectors of the relevance", _singular(relevance, dim)


def _certified(n: int, dim: int, most: int) -> Iterator[tuple[str, np.ndarray]]:
    """Documents of the certified frame, and of the certified code, with the largest gap among those that hold so many."""
    fitting = [c for c in shipped() if c.dim <= dim and c.n_docs >= n and c.k >= most]
    for kinds in (("harmonic-frame",), ("dual-bch", "kerdock")):
        best = max((c for c in fitting if c.construction["kind"] in kinds), key=lambda c: c.min_gap, default=None)
        if best is None:
            continue
        if best.construction["kind"] == "harmonic-frame":
            docs = best.frame().docs()[np.arange(n) * best.n_docs // n]
        else:
            docs = best.code().docs(np.arange(n)) / np.sqrt(best.dim)
        yield f"documents of {best.name}", _padded(docs, dim)


def _orders(relevance: RelevanceMatrix) -> Iterator[tuple[str, np.ndarray]]:
    """Orders of the documents round the curve: neighbours are cheap to retrieve together."""
    n_queries, n = relevance.shape
    yield "given order", np.arange(n)
    rows = sparse.csr_matrix((np.ones(relevance.indices.size), relevance.indices.copy(), relevance.indptr.copy()), shape=relevance.shape)
    graph = sparse.bmat([[None, rows], [rows.T, None]], format="csr")
    order = reverse_cuthill_mckee(graph, symmetric_mode=True)
    narrow = order[order >= n_queries].astype(np.int64) - n_queries
    if (narrow != np.arange(n)).any():
        yield "reverse Cuthill-McKee order", narrow


def _singular(relevance: RelevanceMatrix, dim: int) -> np.ndarray:
    """Directions of the documents in the span of the first ``dim`` right singular vectors; unit rows."""
    dense = np.zeros(relevance.shape)
    dense[np.repeat(np.arange(relevance.n_queries), np.diff(relevance.indptr)), relevance.indices] = 1.0
    _, values, turned = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    points = (turned[:dim] * values[:dim, None]).T
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    return np.where(norms > 1e-9, points / np.maximum(norms, 1e-9), np.eye(1, dim))


def _padded(docs: np.ndarray, dim: int) -> np.ndarray:
    out = np.zeros((docs.shape[0], dim))
    out[:, : docs.shape[1]] = docs
    return out
