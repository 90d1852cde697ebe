"""Learned sparse retrievers (SPLADE and its kin): weights over a vocabulary, scored through an inverted index, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from limitlab._core.checks import whole
from limitlab._core.errors import DataError, RangeError
from limitlab._core.files import content_hash
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import versions
from limitlab._core.texts import Texts
from limitlab.engine import elsewhere
from limitlab.retrieval.cache import text_keys
from limitlab.retrieval.encoder import SentenceEncoder, load_model
from limitlab.retrieval.encoding import Encoding, clear_trust, cut_notes, encode_missing, encoding_cost
from limitlab.retrieval.model_kinds import SPARSE, refuse_other_kinds
from limitlab.retrieval.token_cache import TokenCache, token_folder
from limitlab.search import RelevantSet, SearchResult, search_scores

BLOCK = 512  # texts encoded between two writes to the cache: what a kill can lose
_BLOCK_BYTES = 32 << 20
_BATCH = 16


class SparseEncoder(SentenceEncoder):
    """A sparse model of sentence-transformers; vectors as (dimension, weight) pairs."""

    def _loaded(self, precision: str) -> Any:
        refuse_other_kinds("Sparse()", self.source, SPARSE)
        return load_model(self.source, self._trust, loader="SparseEncoder", what="sparse retrievers", precision=precision)

    @property
    def cosine(self) -> bool:
        """Whether the model says cosine; else it is the inner product."""
        name = self.model().similarity_fn_name
        if name not in ("dot", "cosine"):
            raise DataError(f"{self.source}: the similarity of a sparse model must be dot or cosine; its configuration says {name!r}.")
        return bool(name == "cosine")

    def encode_pairs(self, texts: list[str], *, kind: str, prompt: str, max_active_dims: int | None) -> tuple[list[np.ndarray], np.ndarray]:
        """(one (active, 2) float32 table of dimension and weight a text, by dimension; (n,) tokens before truncation)."""
        model = self.model()
        counts = self._token_counts(model, [prompt + t for t in texts])
        encode = model.encode_query if kind == "query" else model.encode_document
        made = encode(
            texts, prompt=prompt, batch_size=_BATCH, show_progress_bar=False, convert_to_tensor=False, save_to_cpu=True,
            max_active_dims=max_active_dims,
        )  # fmt: skip
        out = []
        for vector in made:
            vector = vector.coalesce()
            at, weight = vector.indices()[0].numpy(), vector.values().float().numpy()
            kept = weight != 0
            out.append(np.stack([at[kept].astype(np.float32), weight[kept]], axis=1))
        bad = sum(not np.isfinite(m).all() for m in out)
        if bad:
            raise DataError(f"{self.source}: the model returned NaN or infinity for {bad} texts.")
        return out, counts


class Sparse:
    """A learned sparse model; inner product (cosine where the model says so) over an inverted index of all documents.

    A document that shares no active dimension with the query is not retrieved, as in every inverted index.

    Parameters
    ----------
    model
        Folder or hub id of a sparse model.
    name, label
        How it is called and shown; default: the model's own name.
    max_active_dims
        Keep only this many of the greatest weights of every text, >= 1; default: what the model says.
    query_prompt, document_prompt
        Put before every text; default: the prompts the model brings.
    trust_remote_code
        Run code that comes with the model. Off unless the user says so.
    cache
        Folder of cached vectors; default: under LIMITLAB_HOME.

    References
    ----------
    [Formal2021]
    """

    family = "sparse"
    max_dim = None

    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        label: str | None = None,
        max_active_dims: int | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        trust_remote_code: bool = False,
        cache: Path | None = None,
    ) -> None:
        clear_trust("Sparse()", trust_remote_code)
        self._active = None if max_active_dims is None else whole("Sparse()", "max_active_dims", max_active_dims, low=1)
        self.name = name or (Path(model).name if Path(model).is_dir() else str(model)) + (
            "" if max_active_dims is None else f":max_active_dims={self._active}"
        )
        self.label = label or self.name
        self._encoder = SparseEncoder(str(model), trust_remote_code=trust_remote_code)
        self._query_prompt, self._document_prompt = query_prompt, document_prompt
        self._cache_root = Path(cache) if cache is not None else None
        self._docs: sparse.csc_matrix | None = None

    def config(self, n_docs: int) -> dict[str, Any]:
        """Model, prompts, active dimensions."""
        return {
            "retriever": "sparse",
            "model": self._encoder.fingerprint,
            "label": self.label,
            "query_prompt": self._query_prompt,
            "document_prompt": self._document_prompt,
            "max_active_dims": self._active,
            "sentence-transformers": versions().get("sentence-transformers"),
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Encode what is not cached, and turn the documents' weights into lists by dimension."""
        docs_by_text, doc_tokens, encoded, seconds = self._weights(docs, "document", progress)
        self._queries, query_tokens, _, query_seconds = self._weights(queries, "query", progress)
        width = max(docs_by_text.shape[1], self._queries.shape[1])
        docs_by_text.resize(len(docs), width)
        self._queries.resize(len(queries), width)
        self._docs = docs_by_text.tocsc()
        self._n_docs = len(docs)
        self.truncated, cut = cut_notes(self._encoder.max_tokens, doc_tokens, query_tokens)
        notes: dict[str, Any] = {
            "similarity": "cosine" if self._encoder.cosine else "dot",
            "dims_in_use": int((np.diff(self._docs.indptr) > 0).sum()),
            "active_dims_per_doc": round(docs_by_text.nnz / max(1, len(docs)), 2),
            "active_dims_per_query": round(self._queries.nnz / max(1, len(queries)), 2),
            **cut,
        }
        held = self._docs.data.nbytes + self._docs.indices.nbytes + self._docs.indptr.nbytes
        cost: dict[str, float] = {"bytes_per_doc": held / max(1, len(docs))}
        cost |= encoding_cost(encoded, seconds, query_seconds)
        return {"cost": cost, "notes": notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact scores of all documents, one block of queries at a time."""
        if self._docs is None:
            raise RangeError("Sparse.search(): index() must be called first.")
        scores = self._score_blocks(progress)
        return search_scores(scores, n_docs=self._n_docs, k=k, places=places, relevant=relevant, lowest=self._lowest())

    def _lowest(self) -> float:
        """Zero means that nothing is shared where no weight is negative; otherwise nothing can be told from it."""
        assert self._docs is not None
        negative = min(self._docs.data.min(initial=0.0), self._queries.data.min(initial=0.0)) < 0
        return -np.inf if negative else 0.0

    def _score_blocks(self, progress: Progress) -> Iterator[np.ndarray]:
        from limitlab.search.inverted_kernels import inverted_scores

        docs, asked = self._docs, self._queries
        assert docs is not None
        rows = max(1, _BLOCK_BYTES // (4 * max(1, self._n_docs)))
        with progress.task(f"{self.label}: search", asked.shape[0]) as bar:
            for at in range(0, asked.shape[0], rows):
                indptr = asked.indptr[at : at + rows + 1]
                block = np.empty((indptr.size - 1, self._n_docs), np.float32)
                inverted_scores(docs.indptr, docs.indices, docs.data, indptr, asked.indices, asked.data, block)
                yield block
                bar.advance(len(block))

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    def _weights(self, texts: Texts, kind: str, progress: Progress) -> tuple[sparse.csr_matrix, np.ndarray, int, float]:
        """((n, vocabulary) weights, tokens, number newly encoded, seconds spent encoding) of all texts, through the cache."""
        encoder = self._encoder
        prompt = encoder.prompt(kind, self._query_prompt if kind == "query" else self._document_prompt)
        identity: dict[str, object] = {
            "model": encoder.fingerprint, "vectors": "sparse", "kind": kind, "prompt": prompt,
            "max_active_dims": self._active, "max_tokens": encoder.max_tokens,
        }  # fmt: skip
        cache = TokenCache(token_folder(self._cache_root or home() / "embeddings"), identity)
        cache.refresh()
        keys = text_keys(texts)
        missing = cache.missing(keys)
        seconds = 0.0

        def keep(block: np.ndarray, made: list[np.ndarray], counted: np.ndarray) -> None:
            cache.add_ragged(keys[block], made, counted, dtype="float32")

        if missing.size:
            options = {"kind": kind, "prompt": prompt, "max_active_dims": self._active}
            encode = Encoding(encoder, content_hash(identity), "encode_pairs", options)
            if not elsewhere():
                encoder.model()  # loaded before the clock starts
            seconds = encode_missing(texts, missing, encode, keep, block=BLOCK, label=self.label, kind=kind, progress=progress)
            cache.refresh()
        pairs, tokens = cache.gather_ragged(keys)
        every = pairs.block(np.arange(len(pairs)))
        rows = every.values if every.values.shape[1] == 2 else np.zeros((0, 2), np.float32)  # no text has an active dimension
        dims = rows[:, 0].astype(np.int64)
        shape = (len(pairs), int(dims.max(initial=0)) + 1)  # some models know the size of their vocabulary only after a first text
        weights = sparse.csr_matrix((rows[:, 1].copy(), dims, every.offsets), shape=shape)
        return (_unit(weights) if encoder.cosine else weights), tokens, int(missing.size), seconds


def _unit(weights: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows scaled to unit length; rows without weights stay empty."""
    squares = np.add.reduceat(np.append(weights.data.astype(np.float64) ** 2, 0.0), np.minimum(weights.indptr[:-1], weights.nnz))
    lengths = np.diff(weights.indptr)
    norms = np.sqrt(np.where(lengths > 0, squares, 1.0))
    data = (weights.data / np.repeat(norms, lengths)).astype(np.float32)
    return sparse.csr_matrix((data, weights.indices, weights.indptr), shape=weights.shape)
