"""Our retrievers as mteb's SearchProtocol, and mteb's lists for our texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.files import content_hash
from limitlab._core.optional import require
from limitlab._core.texts import TextList, Texts
from limitlab.retrieval.protocol import Retriever
from limitlab.search import RelevantSet, tie_order


class MtebSearch:
    """A retriever of ours where mteb wants something that indexes and searches; see ``as_mteb``.

    Attributes
    ----------
    mteb_model_meta
        Name ``limitlab/NAME``, and as revision a hash of everything that decides the ranking apart from the corpus.
    """

    def __init__(self, retriever: Retriever, *, dim: int | None = None) -> None:
        require("mteb", extra="mteb", what="as_mteb()")
        if dim is not None and (retriever.max_dim is None or not 1 <= dim <= retriever.max_dim):
            raise RangeError(f"as_mteb(): dim must be in [1, {retriever.max_dim}] of {retriever.name}; got dim={dim}.")
        self._retriever = retriever
        self._dim = dim
        self.mteb_model_meta = _model_meta(retriever, dim)

    def index(self, corpus: Any, **_: Any) -> None:
        """Keep the corpus: a retriever of ours is given documents and queries together."""
        self._docs = TextList([str(i) for i in corpus["id"]], _document_texts(corpus))

    def search(self, queries: Any, *, top_k: int, top_ranked: Any = None, **_: Any) -> dict[str, dict[str, float]]:
        """``{query id: {document id: score}}``, at most ``top_k`` a query; among ``top_ranked`` alone where mteb reranks."""
        ids = [str(i) for i in queries["id"]]
        texts = TextList(ids, _query_texts(queries))
        self._retriever.index(self._docs, texts, progress=_silent())
        nothing = RelevantSet(np.zeros(len(texts) + 1, np.int64), np.zeros(0, np.int64))
        depth = len(self._docs) if top_ranked is not None else min(top_k, len(self._docs))
        found = self._retriever.search(
            k=depth,
            places=tie_order(self._docs.ids, "trec"),
            relevant=nothing,
            dim=self._dim or self._retriever.max_dim,
            progress=_silent(),
        )
        out: dict[str, dict[str, float]] = {}
        for query, docs, scores in zip(ids, found.indices.tolist(), found.scores.tolist()):
            hits = {self._docs.ids[j]: s for j, s in zip(docs, scores) if j >= 0}
            if top_ranked is not None:
                allowed = set(top_ranked[query])
                hits = dict([(d, s) for d, s in hits.items() if d in allowed][:top_k])
            out[query] = hits
        return out


def as_mteb(retriever: Any, *, dim: int | None = None) -> MtebSearch:
    """One of our retrievers as a model for ``mteb.evaluate``.

    Parameters
    ----------
    retriever
        A Retriever, or what ``-m`` takes: ``"bm25"``, ``"minilm"``, ``"./folder"``.
    dim
        Use the first ``dim`` values of every vector; default: all.

    Raises
    ------
    MissingExtra, RangeError
        mteb is not installed; dim is beyond the retriever's.

    Examples
    --------
    >>> import mteb, limitlab as ll  # doctest: +SKIP
    >>> mteb.evaluate(ll.as_mteb("bm25"), ll.mteb_task("my-folder"), cache=None)  # doctest: +SKIP
    """
    from limitlab.retrieval.registry import build

    return MtebSearch(build(retriever), dim=dim)


def task_metadata(name: str, *, prompt: str | None = None, **fields: Any) -> Any:
    """mteb's description of a retrieval task over texts, with the fields it insists on."""
    from mteb.abstasks.task_metadata import TaskMetadata

    return TaskMetadata(
        **{
            "name": name,
            "description": "A retrieval task evaluated with limitlab.",
            "type": "Retrieval",
            "category": "t2t",
            "modalities": ["text"],
            "eval_splits": ["test"],
            "eval_langs": ["eng-Latn"],
            "main_score": "ndcg_at_10",
            "dataset": {"path": "local/folder", "revision": "local"},
            "prompt": {"query": prompt} if prompt else None,
            **fields,
        }
    )


def lists_of(searcher: Any, docs: Texts, queries: Texts, *, k: int, task: Any, batch_size: int) -> dict[str, dict[str, float]]:
    """What a search model of mteb lists for our texts."""
    from datasets import Dataset

    shared = {
        "task_metadata": task,
        "hf_split": "test",
        "hf_subset": "default",
        "encode_kwargs": {"batch_size": batch_size, "show_progress_bar": False},
        "num_proc": None,
    }
    searcher.index(Dataset.from_dict({"id": list(docs.ids), "text": list(docs), "title": [""] * len(docs)}), **shared)
    found = searcher.search(Dataset.from_dict({"id": list(queries.ids), "text": list(queries)}), top_k=k, **shared)
    return {str(q): {str(d): float(s) for d, s in row.items()} for q, row in found.items()}


def _model_meta(retriever: Retriever, dim: int | None) -> Any:
    from mteb.models.model_meta import ModelMeta

    name = retriever.name.replace("/", "--") + (f" (embed_dim={dim})" if dim else "")
    config = {k: v for k, v in retriever.config(0).items() if k not in ("document_precision", "why_this_precision")}
    if hasattr(retriever, "precision"):  # as it was given: what "auto" becomes depends on the corpus
        config["precision"] = retriever.precision
    return ModelMeta.create_empty(
        {"name": f"limitlab/{name}", "revision": content_hash({**config, "dim": dim}, length=24), "embed_dim": dim or retriever.max_dim}
    )


def _document_texts(corpus: Any) -> list[str]:
    """Title and text as one, as ``load`` joins them."""
    titles: Sequence[str | None] = corpus["title"] if "title" in corpus.column_names else [None] * len(corpus)
    return [f"{title} {text}".strip() if title else text for title, text in zip(titles, corpus["text"])]


def _query_texts(queries: Any) -> list[str]:
    """Query and, behind it, its instruction where the task has some."""
    texts = list(queries["text"])
    if not all(isinstance(t, str) for t in texts):
        raise InvalidArgument("as_mteb(): queries must be texts; this task has conversations.")
    extra = queries["instruction"] if "instruction" in queries.column_names else [None] * len(texts)
    return [f"{text} {more}" if more else text for text, more in zip(texts, extra)]


def _silent() -> Any:
    from limitlab._core.progress import SILENT

    return SILENT
