"""Sentence encoders: loading, fingerprints, precision."""

from __future__ import annotations

import hashlib
import math
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, MissingExtra, UnknownName
from limitlab._core.files import sha256_file
from limitlab._core.optional import require
from limitlab._core.provenance import cores, cpu_flags

PRECISIONS = ("auto", "float32", "bfloat16")
LARGE_CORPUS = 5_000  # smaller corpora, and all queries, are encoded in float32
_MATRIX_BF16 = ("amx_bf16",)  # x86; AVX512-BF16 has dot products only, which are slower here than float32 products


def has_bf16_matrix_units() -> bool:
    """Whether this processor multiplies bfloat16 matrices faster than float32 ones (AMX on x86, BFMMLA on Arm)."""
    flags = cpu_flags()
    return any(f in flags for f in _MATRIX_BF16) or ("asimd" in flags and "bf16" in flags)


def resolve_precision(precision: str, n_texts: int) -> tuple[str, str]:
    """(precision, why): what "auto" means for a corpus of this size on this machine."""
    if precision not in PRECISIONS:
        raise UnknownName.of("encoder", "precision", precision, PRECISIONS)
    if precision != "auto":
        return precision, "asked for"
    if n_texts < LARGE_CORPUS:
        return "float32", f"fewer than {LARGE_CORPUS:,} texts"
    if has_bf16_matrix_units():
        return "bfloat16", "this processor has bfloat16 matrix instructions"
    return "float32", "this processor has no bfloat16 matrix instructions"


class SentenceEncoder:
    """A sentence-transformers model that encodes blocks of texts at a given precision.

    Parameters
    ----------
    source
        A folder or a hub id.
    trust_remote_code
        Run code that comes with the model. Off unless the user says so.

    Raises
    ------
    MissingExtra
        sentence-transformers is not installed.
    DataError
        The model cannot be loaded.
    """

    def __init__(self, source: str, *, trust_remote_code: bool = False) -> None:
        self.source = source
        self._trust = trust_remote_code
        self._models: dict[str, Any] = {}

    @property
    def fingerprint(self) -> str:
        """Hash of the model's files (folders), or its id and commit (hub)."""
        return _fingerprint(self.source)

    def model(self, precision: str = "float32") -> Any:
        """The loaded model; a bfloat16 copy is made when asked for."""
        if precision not in self._models:
            loaded = _load(self.source, self._trust)
            if precision == "bfloat16":
                loaded = loaded.bfloat16()
            loaded.eval()
            self._models[precision] = loaded
        return self._models[precision]

    @property
    def dim(self) -> int:
        """Full dimension."""
        model = next(iter(self._models.values()), None) or self.model()
        return int(model.get_embedding_dimension())

    @property
    def max_tokens(self) -> int | None:
        """Longest input in tokens, or None when the model states none."""
        limit = (next(iter(self._models.values()), None) or self.model()).max_seq_length
        return int(limit) if limit and math.isfinite(limit) else None  # a static model states infinity

    def prompt(self, kind: str, given: str | None) -> str:
        """The prompt for "query" or "document": the one given, else the model's own, else none.

        Names and default are looked up as ``encode_query`` and ``encode_document`` of sentence-transformers do.
        """
        if given is not None:
            return str(given)
        model = self.model()
        prompts = model.prompts or {}
        names = ("query",) if kind == "query" else ("document", "passage", "corpus")
        found = next((prompts[n] for n in names if prompts.get(n)), None)
        return found if found is not None else prompts.get(model.default_prompt_name or "") or ""

    def encode(self, texts: list[str], *, prompt: str, precision: str) -> tuple[np.ndarray, np.ndarray]:
        """((n, dim) float32 vectors as the model gives them, (n,) tokens before truncation)."""
        model = self.model(precision)
        lengths = self._token_counts(model, [prompt + t for t in texts])
        # Texts arrive sorted by length, so a batch holds nearly equal ones; small batches stay in cache.
        vectors = model.encode(
            texts, prompt=prompt, batch_size=16, show_progress_bar=False, convert_to_tensor=True, normalize_embeddings=False
        )
        out = vectors.float().cpu().numpy()
        if not np.isfinite(out).all():
            raise DataError(
                f"{self.source}: the model returned NaN or infinity for {int((~np.isfinite(out).all(axis=1)).sum())} texts at {precision}; try --precision float32."
            )
        return out, lengths

    def _token_counts(self, model: Any, texts: list[str]) -> np.ndarray:
        tokenizer = getattr(model, "tokenizer", None)
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            return np.zeros(len(texts), np.int32)
        backend.no_truncation()
        backend.no_padding()
        return np.array([len(e.ids) for e in backend.encode_batch(texts)], np.int32)


def use_cores() -> None:
    """Let torch use the cores this process may use, and the tokeniser its threads."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    require("torch", extra="models", what="dense retrievers").set_num_threads(cores())


def _load(source: str, trust_remote_code: bool) -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    library = require("sentence_transformers", extra="models", what="dense retrievers", package="sentence-transformers")
    use_cores()
    _quiet()
    try:
        return library.SentenceTransformer(source, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError) as error:
        why = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        offline = " HF_HUB_OFFLINE is set." if os.environ.get("HF_HUB_OFFLINE") else ""
        raise DataError(f"{source}: cannot be loaded as a sentence-transformers model ({why}).{offline}") from error


def _quiet() -> None:
    """Model loading prints bars of its own; ours are enough."""
    import logging

    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)


@lru_cache(maxsize=16)
def _fingerprint(source: str) -> str:
    folder = Path(source)
    if folder.is_dir():
        digest = hashlib.sha256()
        for path in sorted(
            p for p in folder.rglob("*") if p.is_file() and p.suffix in (".json", ".safetensors", ".bin", ".txt", ".model", ".py")
        ):
            digest.update(f"{path.relative_to(folder)}:{sha256_file(path)}\n".encode())
        return digest.hexdigest()[:24]
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise MissingExtra("hub models need sentence-transformers, which is not installed. Run: pip install 'limitlab[models]'") from error
    try:
        return f"{source}@{Path(snapshot_download(source, local_files_only=bool(os.environ.get('HF_HUB_OFFLINE')))).name[:12]}"
    except (OSError, ValueError, HfHubHTTPError) as error:
        why = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise DataError(f"{source}: not a folder, and not to be had from the hub ({why}).") from error
