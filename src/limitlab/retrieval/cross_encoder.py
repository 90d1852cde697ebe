"""Cross-encoders by sentence-transformers: a model that reads query and document together."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import DataError
from limitlab._core.home import home
from limitlab._core.optional import require
from limitlab._core.progress import Progress
from limitlab._core.provenance import versions
from limitlab._core.reused_memory import reused_memory
from limitlab._core.texts import Texts
from limitlab.retrieval.cache import EmbeddingCache, text_keys
from limitlab.retrieval.encoder import SentenceEncoder, quiet, use_cores

BLOCK = 1024  # pairs scored between two writes to the cache: what a kill can lose
_MEMORY_BYTES = 1 << 30


class CrossEncoderScorer:
    """A cross-encoder with one output; every pair's score is cached.

    Parameters
    ----------
    model
        Folder or hub id.
    max_length
        Tokens read of a pair, >= 1; default: the model's own.
    trust_remote_code
        Run code that comes with the model. Off unless the user says so.
    cache
        Folder of cached scores; default: under LIMITLAB_HOME.

    Raises
    ------
    MissingExtra
        sentence-transformers is not installed.
    DataError
        The model cannot be loaded, has more than one output, or returns NaN.

    Notes
    -----
    Scores are those of ``CrossEncoder.predict`` in float32, with the activation the model brings.
    """

    def __init__(self, model: str, *, max_length: int | None = None, trust_remote_code: bool = False, cache: Path | None = None) -> None:
        self.source = str(model)
        self.name = self.label = Path(self.source).name if Path(self.source).is_dir() else self.source
        self._max_length = None if max_length is None else whole("rerank", "max_length", max_length, low=1)
        self._trust = trust_remote_code
        self._root = cache
        self._files = SentenceEncoder(self.source, trust_remote_code=trust_remote_code)
        self._loaded: Any = None

    def config(self) -> dict[str, Any]:
        """Model, tokens read, version of sentence-transformers."""
        return {
            "scorer": "cross-encoder",
            "model": self._files.fingerprint,
            "max_length": self._max_length,
            "sentence-transformers": versions().get("sentence-transformers"),
        }

    def scores(self, queries: Texts, docs: Texts, candidates: Sequence[np.ndarray], *, progress: Progress) -> list[np.ndarray]:
        """Score what is not cached, block by block; equal pairs once."""
        root = self._root or home() / "scores"
        cache = EmbeddingCache(root, self.config())
        cache.refresh()
        keys = text_keys(_pair_texts(queries, docs, candidates))
        missing = cache.missing(keys)
        if missing.size:
            owners = np.repeat(np.arange(len(candidates)), [c.size for c in candidates])
            members = np.concatenate(list(candidates))
            model = self.model()
            with reused_memory(), progress.task(f"{self.label}: rerank", missing.size) as bar:
                for start in range(0, missing.size, BLOCK):
                    block = missing[start : start + BLOCK]
                    pairs = [(queries[int(owners[p])], docs[int(members[p])]) for p in block]
                    cache.add(keys[block], self._predicted(model, pairs)[:, None], np.zeros(block.size, np.int32))
                    bar.advance(block.size)
            cache.refresh()
        found, _ = cache.gather(keys, scratch=root / "scratch", memory_bytes=_MEMORY_BYTES)
        ends = np.cumsum([c.size for c in candidates])
        return np.split(found[:, 0] if keys.size else np.zeros(0, np.float32), ends[:-1])

    def notes(self) -> dict[str, Any]:
        """Nothing to say."""
        return {}

    def model(self) -> Any:
        """The loaded model."""
        if self._loaded is None:
            self._loaded = _load(self.source, self._max_length, self._trust)
        return self._loaded

    def _predicted(self, model: Any, pairs: list[tuple[str, str]]) -> np.ndarray:
        out = np.asarray(model.predict(pairs, show_progress_bar=False, convert_to_numpy=True), np.float32)
        if not np.isfinite(out).all():
            raise DataError(f"{self.source}: the model returned NaN or infinity for {int((~np.isfinite(out)).sum())} pairs.")
        return out


def _pair_texts(queries: Texts, docs: Texts, candidates: Sequence[np.ndarray]) -> Iterator[str]:
    """One text a pair, different for different pairs."""
    for i, listed in enumerate(candidates):
        query = json.dumps(queries[i])
        for j in listed:
            yield f"{query} {docs[int(j)]}"


def _load(source: str, max_length: int | None, trust_remote_code: bool) -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    library = require("sentence_transformers", extra="models", what="cross-encoders", package="sentence-transformers")
    use_cores()
    quiet()
    try:
        model = library.CrossEncoder(source, trust_remote_code=trust_remote_code, max_length=max_length)
    except (OSError, ValueError, KeyError) as error:
        why = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        offline = " HF_HUB_OFFLINE is set." if os.environ.get("HF_HUB_OFFLINE") else ""
        raise DataError(f"{source}: cannot be loaded as a cross-encoder ({why}).{offline}") from error
    if model.num_labels != 1:
        raise DataError(f"{source}: a reranker must have one output, a score; this model has {model.num_labels}.")
    model.eval()
    return model
