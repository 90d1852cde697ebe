"""A dense retriever's vectors, searched by a vector store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import DataError, InvalidArgument, RangeError, ServiceError, first_examples
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import Texts
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.stores.store import Hits, Served, Store
from limitlab.search import RelevantRanks, RelevantSet, SearchResult, normalised
from limitlab.search.vectors import as_float32

UNKNOWN = ("refuse", "count")


class StoreRetriever:
    """Vectors of a dense retriever in a store, or its queries against a collection that is there already.

    Parameters
    ----------
    parts
        One retriever with vectors (``encoded``).
    store
        Where they are searched. With ``store.existing`` the collection is asked as it is; else vectors of the documents, of unit length,
        go into a collection of our own for each dimension, named for its content: the same vectors are not uploaded twice.
    keep
        Whether our own collection stays for the next run; otherwise what a search had to make is dropped after it, and what was there
        before stays.
    unknown
        Hits that name no document of the dataset: refuse them, or leave them out and count them.
    fetch
        Hits asked of the store for a list, where that is more than the list's length: points may be chunks of one document.

    Attributes
    ----------
    scaled
        Whether vectors that go into our own collection, and their queries, get unit length; otherwise they stay as they are given.
    cosine
        Whether the scores of the last search are cosines, as the store says.

    Notes
    -----
    Scores are similarities, whatever the store returns; ties among returned documents follow the house's rule, and what is not returned is
    not retrieved. Of several hits with one id the best counts.
    """

    family = "dense"
    scaled = True
    cosine = False

    def __init__(
        self, parts: Sequence[Retriever], store: Store, *, keep: bool = True, unknown: str = "refuse", fetch: int | None = None
    ) -> None:
        part = parts[0]
        if len(parts) != 1 or not hasattr(part, "encoded"):
            raise InvalidArgument(f"{store.kind}: one dense retriever must be in parentheses; got {', '.join(p.name for p in parts)}.")
        if not isinstance(keep, bool):
            raise InvalidArgument(f"{store.kind}: keep must be true or false; got {keep!r}.")
        self._part: Any = part
        self.store = store
        self._keep = keep
        self._unknown = choice(store.kind, "unknown", unknown, UNKNOWN)
        self._fetch = 0 if fetch is None else whole(store.kind, "fetch", fetch, low=1)
        shown = store.shown() | ({"fetch": fetch} if fetch else {})
        options = ",".join(f"{name}={value}" for name, value in shown.items())
        self.name = f"{store.kind}({part.name})" + (f":{options}" if options else "")
        self.label = self.name
        self._served: Served | None = None
        self._docs: np.ndarray | None = None

    @property
    def max_dim(self) -> int:
        """Dimension of the model, or of the vectors that an existing collection serves."""
        full = int(self._part.max_dim)
        if not self.store.existing:
            return full
        served = self._described().dim
        if served is not None and served > full:
            raise InvalidArgument(
                f"{self.store.kind}: the model must have the dimension of the collection; the model has {full}, the collection {served}. "
                "Another model made it."
            )
        return full if served is None else served

    def config(self, n_docs: int) -> dict[str, Any]:
        """Store, its options, and the vectors; kept results are used again only where the store repeats itself."""
        vectors = self._part.config(n_docs)
        return {
            "retriever": self.store.kind,
            "store": self.store.config(),
            "vectors": vectors,
            "unknown": self._unknown,
            "fetch": self._fetch,
            "cache": self.store.repeatable(n_docs) and vectors.get("cache", True),
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Vectors of documents and queries. The upload comes with the search, which knows the dimension."""
        full = self.max_dim  # a model that does not fit is refused before it encodes
        self.store.check(len(docs), full)
        made = self._part.index(docs, queries, progress=progress)
        self._docs, self._queries = self._part.encoded(docs, queries, progress=progress)
        self._ids = docs.ids
        self.store.rows_are(docs.ids)
        self._numbers = {name: j for j, name in enumerate(docs.ids)}
        return made

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """The store's lists at one dimension: the first values, of unit length."""
        if self._docs is None:
            raise RangeError(f"{self.store.kind}: index() must be called before search().")
        dim = self.max_dim if dim is None else dim
        if self.store.existing and dim != self.max_dim:
            raise RangeError(
                f"{self.store.kind}: an existing collection is searched at its own dimension, {self.max_dim}; got dim={dim}. "
                "Leave out --dim, or existing=true."
            )
        k = min(k, len(self._ids))
        fetched = max(k, self._fetch)
        self.store.check_k(fetched)
        # A collection of the user's gets query vectors as the model gives them; ours holds vectors of unit length.
        compared = as_float32 if self.store.existing or not self.scaled else normalised
        queries = compared(self._queries, dim, name="queries")
        docs = None if self.store.existing else (normalised if self.scaled else as_float32)(np.asarray(self._docs), dim)
        name = self.store.opened() if docs is None else self.store.named(content_of(docs, self._ids, self.store))
        with self._passing(name):
            with Stopwatch() as watch:
                written = 0 if docs is None else self.store.upload(name, self._ids, docs, progress=progress)
            cost, notes = {"upload_seconds": watch.seconds}, {"collection": name, "uploaded": written}
            with Stopwatch() as watch, progress.task(f"{self.store.kind}: search", len(queries)) as bar:
                hits = self.store.search(name, queries, fetched)
                bar.advance(len(queries))
            served = self.store.describe(name)
        self.cosine = served.metric == "cosine" or (served.metric == "inner product" and self.scaled and not self.store.existing)
        found, counts = self._listed(hits, k, places)
        notes |= {**served.notes(), **counts, **self._differences(served, dim)}
        ranks = RelevantRanks.from_lists(relevant, found.indices, found.scores, places)
        return SearchResult(found.indices, found.scores, ranks, notes=notes, cost={**cost, "search_seconds": watch.seconds})

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    @contextmanager
    def _passing(self, name: str) -> Iterator[None]:
        """Without ``keep``, a collection that comes with the block goes with it, also when the block fails; one that was there stays."""
        try:
            ours = not (self._keep or self.store.existing) and self.store.held(name) is None
            try:
                yield
            except BaseException:
                if ours:
                    with suppress(ServiceError):  # the first error is the one to tell
                        self.store.drop(name)
                raise
            if ours:
                self.store.drop(name)
        finally:
            self.store.release()

    def _described(self) -> Served:
        if self._served is None:
            try:
                self._served = self.store.describe(self.store.opened())
            finally:
                self.store.release()
        return self._served

    def _listed(self, hits: Sequence[Hits], k: int, places: np.ndarray) -> tuple[SearchResult, dict[str, int]]:
        """Hits as rows and scores, and what they lack."""
        indices, scores = np.full((len(hits), k), -1, np.int64), np.full((len(hits), k), -np.inf, np.float32)
        unknown: dict[str, int] = {}
        repeated = fewer = 0
        for i, row in enumerate(hits):
            best: dict[int, np.float32] = {}
            for name, score in row:
                if name not in self._numbers:
                    unknown[name] = unknown.get(name, 0) + 1
                    continue
                j, value = self._numbers[name], np.float32(score)
                if not np.isfinite(value):
                    raise DataError(f"{self.store.kind}: scores must be finite; document {name!r} came with {score!r}.")
                repeated += j in best
                best[j] = max(best.get(j, value), value)
            kept = sorted(best.items(), key=lambda pair: (-pair[1], places[pair[0]]))[:k]
            fewer += len(kept) < k
            for at, (j, value) in enumerate(kept):
                indices[i, at], scores[i, at] = j, value
        if unknown and self._unknown == "refuse":
            raise DataError(
                f"{self.store.kind}: hits must name documents of the dataset; {sum(unknown.values()):,} hits with {len(unknown):,} ids do "
                f"not: {first_examples(unknown)}. Check id_field, or pass unknown=count."
            )
        counts = {"hits_of_unknown_ids": sum(unknown.values()), "hits_that_repeat_a_document": repeated, "queries_with_fewer_hits": fewer}
        return SearchResult(indices, scores), {name: count for name, count in counts.items() if count} | (
            {"hits_asked": k} if fewer else {}
        )

    def _differences(self, served: Served, dim: int) -> dict[str, int | str]:
        """Where the collection is not what the model and the dataset would give."""
        out: dict[str, int | str] = {}
        full = int(self._part.max_dim)
        if self.store.existing and dim < full:
            out["model_dimension"] = full
        if self.store.existing and served.points != len(self._ids):
            out["documents"] = len(self._ids)
        return out


def content_of(docs: np.ndarray, ids: Sequence[str], store: Store) -> str:
    """16 hex digits that name vectors, ids and how they are stored."""
    digest = hashlib.sha256(np.ascontiguousarray(docs, np.float32).data)
    digest.update("\0".join(ids).encode("utf-8", "surrogatepass"))
    return content_hash({"vectors": digest.hexdigest(), "shape": list(docs.shape), "store": store.build()})
