"""Models of mteb as retrievers: encoders by exact search over their vectors, search models by their lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import DataError, InvalidArgument, RangeError, UnknownName
from limitlab._core.home import home
from limitlab._core.optional import require
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import Texts
from limitlab.retrieval.cache import EmbeddingCache, text_keys
from limitlab.retrieval.encoding import PLURAL
from limitlab.retrieval.mteb_search import lists_of
from limitlab.search import RelevantRanks, RelevantSet, SearchResult, exact_search

BLOCK = 1024  # texts encoded between two writes to the cache
_MEMORY_BYTES = 4 << 30
_INSTRUCTION = "Retrieve text based on user query."  # mteb's own default for retrieval tasks
_AT_LEAST = 1000  # documents asked of search models that return lists


class MtebModel:
    """A model that mteb knows, with the prompts mteb gives it.

    Encoders whose similarity is cosine or dot product are searched exactly, at any dimension. Models that search themselves, and
    encoders with another similarity, return lists: a relevant document below them counts as not retrieved.

    Parameters
    ----------
    model
        A name of mteb's registry ("intfloat/e5-small-v2", "mteb/baseline-bm25s"), or a model object of mteb's protocols.
    revision
        Default: the one mteb names.
    instruction
        What instruction models are told about queries; mteb takes it from the task.
    device
        cpu, cuda, ...; default: mteb's choice.
    batch_size
        Texts encoded at a time, >= 1.
    trust_remote_code
        Let mteb run code that comes with a model. Off unless the user says so.
    cache
        Folder of cached embeddings; default: under LIMITLAB_HOME.

    Raises
    ------
    MissingExtra, UnknownName, InvalidArgument
        mteb is not installed; it does not know the model; the model is a reranker, or needs code of its own that was not allowed.
    """

    def __init__(
        self,
        model: Any,
        *,
        revision: str | None = None,
        instruction: str = _INSTRUCTION,
        device: str | None = None,
        batch_size: int = 32,
        trust_remote_code: bool = False,
        cache: Path | None = None,
    ) -> None:
        self._mteb = require("mteb", extra="mteb", what="models of mteb")
        self._batch = whole("mteb", "batch_size", batch_size, low=1)
        self._instruction, self._device = str(instruction), device
        self._loaded = None if isinstance(model, str) else model
        self._meta = _meta(self._mteb, model, revision) if isinstance(model, str) else model.mteb_model_meta
        if isinstance(model, str) and (self._meta.loader_kwargs or {}).get("trust_remote_code") and trust_remote_code is not True:
            raise InvalidArgument(
                f"mteb: {model} needs code that comes with it, which is run only when you say so; read it, then pass trust_remote_code=true."
            )
        if self._meta.is_cross_encoder:
            raise InvalidArgument(f"mteb: {self._meta.name} compares pairs of texts: it can rerank, not retrieve.")
        self.name = f"mteb:{self._meta.name}"
        self.label = f"{str(self._meta.name).split('/')[-1]} (mteb)"
        self._cache_root = Path(cache) if cache is not None else None
        self._docs: np.ndarray | None = None
        self._dim: int | None = None
        self._compares: str | None = None

    @property
    def family(self) -> str:
        """dense for encoders that are searched exactly; lexical or other for models that search themselves."""
        if self._similarity is not None:
            return "dense"
        return "lexical" if "sparse" in (self._meta.model_type or []) else "other"

    @property
    def cosine(self) -> bool:
        """Whether scores are cosines."""
        return self._similarity == "cosine"

    @property
    def max_dim(self) -> int | None:
        """Full dimension of an encoder; None for models that search themselves."""
        if self._similarity is None:
            return None
        if self._dim is None:
            stated = self._meta.embed_dim
            self._dim = int(stated) if isinstance(stated, int) else self._encode(["a"], "query").shape[1]
        return self._dim

    def config(self, n_docs: int) -> dict[str, Any]:
        """Model, revision, mteb's version; ``cache`` is False for a model object without a revision."""
        revision = self._meta.revision
        return {
            "retriever": "mteb",
            "model": self._meta.name,
            "revision": revision,
            "instruction": self._instruction,
            "similarity": self._similarity or "lists of its own",
            "mteb": self._mteb.__version__,
            "cache": self._known_revision,
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Encode what is not cached, or let the model index; returns costs and notes."""
        with Stopwatch() as watch:
            self._texts = (docs, queries)
            if self._similarity is None:
                return {"cost": {}, "notes": {"list_depth": _AT_LEAST}}
            self._docs = self._vectors(docs, "document", progress)
            self._queries = self._vectors(queries, "query", progress)
        self._dim = self._docs.shape[1]
        return {"cost": {"bytes_per_doc": 4.0 * self._dim, "index_seconds": watch.seconds}, "notes": {}}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact search over the vectors, or the model's own lists."""
        if self._similarity is not None:
            if self._docs is None:
                raise RangeError("mteb: index() must be called before search().")
            return exact_search(
                self._docs, self._queries, k=k, places=places, dim=dim, relevant=relevant, normalise=self._similarity == "cosine", progress=progress
            )  # fmt: skip
        docs, queries = self._texts
        with progress.task(f"{self.label}: search", None):
            answers = lists_of(
                self._searcher(), docs, queries, k=min(len(docs), max(k, _AT_LEAST)), task=self._task(), batch_size=self._batch
            )
        indices, scores = _ranked(self.name, answers, docs, queries, places)
        return SearchResult(indices[:, :k], scores[:, :k], RelevantRanks.from_lists(relevant, indices, scores, places))

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    @property
    def _known_revision(self) -> bool:
        return bool(self._meta.revision) and self._meta.revision != "no_revision_available"

    @property
    def _similarity(self) -> str | None:
        """cosine | dot for encoders; None for models that are asked for lists."""
        if self._compares is None:
            self._compares = _similarity_of(self._model)
        return self._compares or None

    @property
    def _model(self) -> Any:
        if self._loaded is None:
            options = {"device": self._device} if self._device else {}
            try:
                self._loaded = self._meta.load_model(**options)
            except (OSError, ValueError, KeyError, ImportError) as error:
                why = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
                raise DataError(f"mteb: {self._meta.name} cannot be loaded ({why}).") from error
        return self._loaded

    def _searcher(self) -> Any:
        """The model as something that indexes and searches."""
        from mteb.models import SearchEncoderWrapper, SearchProtocol

        return self._model if isinstance(self._model, SearchProtocol) else SearchEncoderWrapper(self._model)

    def _task(self) -> Any:
        from limitlab.retrieval.mteb_search import task_metadata

        return task_metadata("LimitlabRetrieval", prompt=self._instruction)

    def _encode(self, texts: list[str], kind: str) -> np.ndarray:
        from datasets import Dataset
        from mteb.types import PromptType
        from torch.utils.data import DataLoader

        made = self._model.encode(
            DataLoader(Dataset.from_dict({"text": texts}), batch_size=self._batch),
            task_metadata=self._task(), hf_split="test", hf_subset="default",
            prompt_type=PromptType.query if kind == "query" else PromptType.document,
            batch_size=self._batch, show_progress_bar=False,
        )  # fmt: skip
        out = np.asarray(made.float().cpu().numpy() if hasattr(made, "cpu") else made, np.float32)
        if out.ndim != 2 or len(out) != len(texts) or not np.isfinite(out).all():
            raise DataError(f"mteb: {self._meta.name} must return one finite vector a text; got shape {out.shape} for {len(texts)} texts.")
        return out

    def _vectors(self, texts: Texts, kind: str, progress: Progress) -> np.ndarray:
        """All vectors, through the cache where the model's revision is known."""
        if not self._known_revision:  # what a model object is cannot be told, so nothing of it is kept
            return self._encode(list(texts), kind)
        root = self._cache_root or home() / "embeddings"
        cache = EmbeddingCache(root, {**self.config(len(texts)), "kind": kind})
        keys = text_keys(texts)
        cache.refresh()
        missing = cache.missing(keys)
        with progress.task(f"{self.label}: encode {PLURAL[kind]}", missing.size) as bar:
            for start in range(0, missing.size, BLOCK):
                block = missing[start : start + BLOCK]
                vectors = self._encode([texts[int(i)] for i in block], kind)
                cache.add(keys[block], vectors, np.zeros(block.size, np.int32))
                bar.advance(block.size)
        cache.refresh()
        return cache.gather(keys, scratch=root / "scratch", memory_bytes=_MEMORY_BYTES)[0]


def _meta(mteb: Any, name: str, revision: str | None) -> Any:
    from mteb.models.model_implementations import MODEL_REGISTRY

    if name not in MODEL_REGISTRY:
        raise UnknownName(
            f"mteb: unknown model {name!r}; {_close(name, MODEL_REGISTRY)}a model that mteb does not know is written without mteb: owner/name, or ./folder."
        )
    try:
        return mteb.get_model_meta(name, revision)
    except (ValueError, KeyError) as error:
        raise InvalidArgument(f"mteb: {name} has no such revision ({str(error).strip()[:200]}).") from error


def _similarity_of(model: Any) -> str:
    """cosine | dot as an encoder's own function computes it, "" for anything else: what metadata say of it may be missing."""
    from mteb.models import EncoderProtocol, SearchProtocol

    if not isinstance(model, EncoderProtocol) or isinstance(model, SearchProtocol):
        return ""
    import torch

    a, b = (np.random.default_rng(seed).normal(size=(3, 8)).astype(np.float32) for seed in (0, 1))
    found = np.asarray(model.similarity(torch.from_numpy(a), torch.from_numpy(b)))
    dot = a @ b.T
    for name, expected in (("dot", dot), ("cosine", dot / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1))):
        if found.shape == expected.shape and np.allclose(found, expected, atol=1e-5):
            return name
    return ""


def _close(name: str, known: Any) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}? " if close else ""


def _ranked(
    who: str, answers: dict[str, dict[str, float]], docs: Texts, queries: Texts, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lists as (n_queries, depth) arrays, best first, -1 where they end."""
    numbers = {d: j for j, d in enumerate(docs.ids)}
    depth = max((len(a) for a in answers.values()), default=1) or 1
    indices = np.full((len(queries), depth), -1, np.int64)
    scores = np.full((len(queries), depth), -np.inf, np.float32)
    for i, query in enumerate(queries.ids):
        found = answers.get(query, {})
        if any(d not in numbers for d in found):
            raise DataError(f"{who}: lists must name documents of the corpus; {next(d for d in found if d not in numbers)!r} is none.")
        pairs = sorted(((numbers[d], np.float32(s)) for d, s in found.items()), key=lambda p: (-p[1], places[p[0]]))
        for at, (j, s) in enumerate(pairs):
            indices[i, at], scores[i, at] = j, s
    return indices, scores
