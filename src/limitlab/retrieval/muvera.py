"""MUVERA: a multi-vector retriever's shadow in one vector, searched by inner product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import Texts
from limitlab.retrieval import parts as joint
from limitlab.retrieval.cache import scratch_array
from limitlab.retrieval.fixed_dimensional import FixedDimensionalConfig, FixedDimensionalEncoder
from limitlab.retrieval.multi_vector import MultiVector
from limitlab.retrieval.protocol import Retriever
from limitlab.search import RelevantSet, SearchResult, exact_search
from limitlab.search.token_vectors import TokenVectors

_MEMORY_BYTES = 4 << 30
_BLOCK_TOKENS = 16_384


class Muvera:
    """One vector a text whose inner product estimates the MaxSim of the part; exact search, no index.

    Parameters
    ----------
    parts
        One multi-vector retriever, such as minilm-maxsim or tokens(minilm).
    repetitions, k_sim, dim_proj, final_dim, seed
        See FixedDimensionalConfig. Options without a value there (None) are written as ``none``.

    Raises
    ------
    InvalidArgument
        The part has no token vectors.
    RangeError
        A number outside its range.

    References
    ----------
    [Dhulipala2024]
    """

    family = "dense"

    def __init__(
        self,
        parts: Sequence[Retriever],
        *,
        repetitions: int = 20,
        k_sim: int = 5,
        dim_proj: int | str | None = 16,
        final_dim: int | str | None = None,
        seed: int = 0,
    ) -> None:
        (part,) = parts
        if not isinstance(part, MultiVector):
            raise InvalidArgument(f"muvera(): the part must be a multi-vector retriever, such as minilm-maxsim; got {part.name!r}.")
        self._part = part
        projected, final = (None if v == "none" else v for v in (dim_proj, final_dim))
        self._config = FixedDimensionalConfig(repetitions, k_sim, projected, final, seed)  # type: ignore[arg-type]
        usual = FixedDimensionalConfig()
        changed = [f"{n}={v}" for n, v in vars(self._config).items() if v != getattr(usual, n)]
        self.name = f"muvera({part.name})" + (":" + ",".join(changed).replace("None", "none") if changed else "")
        self.label = f"MUVERA of {part.label}" + (f" ({', '.join(changed)})" if changed else "")
        self._docs: np.ndarray | None = None

    @property
    def max_dim(self) -> int:
        """Values of an encoding; smaller dimensions keep the first ones, which are the first repetitions."""
        return self._config.dim(self._part.token_dim)

    def config(self, n_docs: int) -> dict[str, Any]:
        """Of the part, and of the encoding."""
        part = self._part.config(n_docs)
        return {"retriever": "muvera", "part": part, **vars(self._config), "cache": joint.cacheable([part])}

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Token vectors through the part's cache, then one vector each."""
        made = self._part.index(docs, queries, progress=progress)
        doc_tokens, query_tokens = self._part.encoded(docs, queries)
        self.truncated = self._part.truncated
        encoder = FixedDimensionalEncoder(self._config, doc_tokens.dim)
        with Stopwatch() as watch:
            self._docs = self._encoded(encoder, doc_tokens, "document", progress)
            self._queries = self._encoded(encoder, query_tokens, "query", progress)
        width = self._docs.shape[1]
        cost = {**made["cost"], "bytes_per_doc": 4.0 * width, "muvera_seconds": watch.seconds}
        return {"cost": cost, "notes": {**made["notes"], "encoding_dim": width}}

    def _encoded(self, encoder: FixedDimensionalEncoder, tokens: TokenVectors, kind: str, progress: Progress) -> np.ndarray:
        width = self._config.dim(tokens.dim)
        out = scratch_array((len(tokens), width), home() / "embeddings" / "scratch", _MEMORY_BYTES)
        with progress.task(f"{self.label}: encode", tokens.n_tokens) as bar:
            for block in tokens.blocks(_BLOCK_TOKENS):
                out[block.numbers] = encoder.encode(block.values, block.offsets, kind=kind)
                bar.advance(block.values.shape[0])
        return out

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact search by inner product; vectors are not scaled to unit length."""
        if self._docs is None:
            raise RangeError("Muvera.search(): index() must be called first.")
        return exact_search(self._docs, self._queries, k=k, places=places, dim=dim, normalise=False, relevant=relevant, progress=progress)

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None
