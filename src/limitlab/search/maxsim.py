"""MaxSim over ragged token vectors: exact lists and exact ranks of the relevant documents, in blocks that stay in cache."""

from __future__ import annotations

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import ShapeError
from limitlab._core.progress import SILENT, Progress
from limitlab.search.exact import SearchResult, _check_places, result_of
from limitlab.search.one_pass import Heaps
from limitlab.search.pairs import error_bound
from limitlab.search.ranks import RelevantSet
from limitlab.search.token_vectors import TokenBlock, TokenVectors

DOC_TOKENS = 1024  # of a block: with QUERY_TOKENS, a block of products has 2 MiB and is read back from cache
QUERY_TOKENS = 512


def maxsim_search(
    docs: TokenVectors,
    queries: TokenVectors,
    *,
    k: int,
    places: np.ndarray,
    relevant: RelevantSet | None = None,
    doc_tokens: int = DOC_TOKENS,
    query_tokens: int = QUERY_TOKENS,
    progress: Progress = SILENT,
) -> SearchResult:
    r"""The k best documents of every query by ``sum over query tokens of max over document tokens of <q, d>``.

    The score of a pair is defined by its vectors alone: dot products in float64 in one fixed order, the greatest over the document's
    tokens, summed over the query's tokens in order, rounded to float32. A float32 matrix product in blocks, with its proved error
    bound, only decides which dot products are worth that. So block sizes, threads and the order of documents change nothing.

    Parameters
    ----------
    docs, queries
        Token vectors of one dimension, used as they are (normalise them first for cosines). A document without tokens has no score
        and is not retrieved; a query without tokens scores 0 with all others.
    k
        >= 1; clamped to the number of documents.
    places
        (n_docs,) int32 from ``tie_order``: the smaller place comes first among equal scores.
    relevant
        When given, the exact rank of each relevant document among all documents is returned too.
    doc_tokens, query_tokens
        Tokens a block, >= 1: memory is 4 (doc_tokens query_tokens + doc_tokens dim) bytes beside the vectors, more only where one text
        is longer than a block.

    Raises
    ------
    ShapeError
        Dimensions or numbers of rows do not match, or vectors hold NaN or infinity.
    RangeError
        k or a block size is below 1.

    References
    ----------
    [Khattab2020]
    """
    from limitlab.search import maxsim_kernels as kernels

    who = "maxsim_search()"
    if docs.dim != queries.dim:
        raise ShapeError(f"{who}: docs and queries must have the same dimension; got {docs.dim} and {queries.dim}.")
    k = min(whole(who, "k", k, low=1), max(1, len(docs)))
    whole(who, "doc_tokens", doc_tokens, low=1)
    whole(who, "query_tokens", query_tokens, low=1)
    _check_places(who, places, len(docs), relevant)
    if relevant is not None and relevant.n_queries != len(queries):
        raise ShapeError(f"{who}: relevance must have one row per query; got {relevant.n_queries} rows, {len(queries)} queries.")
    asked = queries.block(np.arange(len(queries)))
    norms = _norms(who, "queries", asked.values)
    lists = Heaps(len(queries), k, places)
    counts = relevant.counter(_scores_of_relevant(docs, asked, norms, relevant), places) if relevant is not None else None
    nothing = RelevantSet(np.zeros(len(queries) + 1, int), np.zeros(0, int)).counter(np.zeros(0, np.float32), places)
    groups = _groups(asked.offsets, query_tokens)
    products, maxima = np.zeros(0, np.float32), np.zeros(0, np.float32)
    with progress.task("MaxSim", docs.n_tokens) as bar:
        for block in docs.blocks(doc_tokens):
            bounds = error_bound(docs.dim) * norms * float(_norms(who, "docs", block.values).max(initial=0.0))
            for first, last in groups:
                t0, t1 = asked.offsets[first], asked.offsets[last]
                q = asked.values[t0:t1]
                products, out = _room(products, block.values.shape[0], q.shape[0])
                maxima, best = _room(maxima, block.numbers.size, q.shape[0])
                np.matmul(block.values, q.T, out=out)
                kernels.segment_maxima(out, block.offsets, best)
                rows = slice(first, last)
                kernels.take_block(
                    out, best, block.values, block.offsets, block.numbers, q, asked.offsets[first : last + 1] - t0, bounds[t0:t1],
                    places, *lists.rows(rows), counts is not None, *(counts if counts is not None else nothing).rows(rows),
                )  # fmt: skip
            bar.advance(block.values.shape[0])
    return result_of(lists, counts)


def _room(held: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """(memory, its first part as a (rows, columns) table): memory is used again unless it is too small."""
    if held.size < rows * columns:
        held = np.empty(rows * columns, np.float32)
    return held, held[: rows * columns].reshape(rows, columns)


def _norms(who: str, name: str, values: np.ndarray) -> np.ndarray:
    """(T,) float64, never below the true norms; NaN and infinity are refused."""
    norms = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64)) * (1 + 2.0**-40)
    if not np.isfinite(norms).all():
        raise ShapeError(f"{who}: {name} must be finite; {int((~np.isfinite(norms)).sum())} token vectors hold NaN or infinity.")
    return norms


def _groups(offsets: np.ndarray, query_tokens: int) -> list[tuple[int, int]]:
    """Consecutive queries (first, last) with at most ``query_tokens`` tokens together; a longer query is alone."""
    out, first = [], 0
    while first < offsets.size - 1:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + query_tokens, side="right")) - 1)
        out.append((first, last))
        first = last
    return out


def _scores_of_relevant(docs: TokenVectors, asked: TokenBlock, norms: np.ndarray, relevant: RelevantSet) -> np.ndarray:
    """Exact scores of all (query, relevant document) pairs, document by document; -inf where a document has no tokens."""
    from limitlab.search import maxsim_kernels as kernels

    out = np.full(relevant.members.size, -np.inf, np.float32)
    order = np.argsort(relevant.members, kind="stable")
    cuts = np.flatnonzero(np.diff(relevant.members[order])) + 1
    for pairs in np.split(order, cuts):
        if not pairs.size:
            continue
        rows = docs.rows(int(relevant.members[pairs[0]]))
        if not rows.shape[0]:
            continue
        spans = [np.arange(asked.offsets[q], asked.offsets[q + 1]) for q in relevant.rows[pairs]]
        offsets = np.concatenate([[0], np.cumsum([s.size for s in spans])]).astype(np.int64)
        take = np.concatenate(spans)
        q = asked.values[take]
        part = np.empty(pairs.size, np.float32)
        bounds = error_bound(docs.dim) * norms[take] * float(_norms("maxsim_search()", "docs", rows).max())
        products = rows @ q.T
        kernels.scores_of_one(products, products.max(axis=0, keepdims=True), rows, q, offsets, bounds, part)
        out[pairs] = part
    return out
